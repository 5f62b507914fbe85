import { createRequire } from 'node:module'
import type ivm from 'isolated-vm'
import type { Sources } from '../protocol.ts'
import { REALM_FILE } from '../realm/describe-error.ts'

const ISOLATES_MAX = 4
const SCRIPTS_MAX = 64

/** What a call leaves behind may take this share of the memory of the next one, and no more. */
const LEFT_BEHIND_MAX = 0.5

/** The isolate of one application, with what has been compiled in it. */
export interface Workplace {
  readonly isolate: ivm.Isolate
  /** Makes a handle to something of this process. */
  readonly Reference: typeof ivm.Reference
  readonly realm: ivm.Script
  /** The expression language, compiled at first use. */
  expressionLanguage(): ivm.Script
  /** A function's script by its version; `compile` is asked once. */
  script(version: string, compile: () => Promise<ivm.Script>): Promise<ivm.Script>
}

export interface Workplaces {
  of(applicationId: string, memoryMb: number): Workplace
  /** Throws the isolate away: after anything but an orderly end nothing in it is trusted. */
  discard(workplace: Workplace): void
}

/** Keeps the isolates used last. An isolate has one memory limit for life, so the limit is part of its key. */
export function createWorkplaces(sources: Sources, onLostControl: (message: string) => void): Workplaces {
  const kept = new Map<string, Workplace>()
  return {
    of(applicationId, memoryMb) {
      const key = `${memoryMb} ${applicationId}`
      const found = kept.get(key)
      const isFit = found && !found.isolate.isDisposed && hasRoom(found, memoryMb)
      if (found && !isFit) dispose(found)
      const workplace = isFit ? found : openWorkplace(sources, memoryMb, onLostControl)
      touch(kept, key, workplace, ISOLATES_MAX, dispose)
      return workplace
    },
    discard(workplace) {
      for (const [key, value] of kept) if (value === workplace) kept.delete(key)
      dispose(workplace)
    },
  }
}

export function openWorkplace(
  sources: Sources,
  memoryMb: number,
  onLostControl: (message: string) => void,
): Workplace {
  const { Isolate, Reference } = createRequire(sources.addon)(sources.addon) as typeof ivm
  const isolate = new Isolate({ memoryLimit: memoryMb, onCatastrophicError: onLostControl })
  const realm = isolate.compileScriptSync(sources.realm, { filename: REALM_FILE })
  const scripts = new Map<string, ivm.Script>()
  let language: ivm.Script | undefined
  return {
    isolate,
    Reference,
    realm,
    expressionLanguage() {
      language ??= isolate.compileScriptSync(sources.expressionLanguage, { filename: 'sluice:jsonata' })
      return language
    },
    async script(version, compile) {
      const script = scripts.get(version) ?? (await compile())
      touch(scripts, version, script, SCRIPTS_MAX, (old) => old.release())
      return script
    },
  }
}

/** Makes the entry the newest, and lets the oldest go when there are too many. */
function touch<Value>(
  map: Map<string, Value>,
  key: string,
  value: Value,
  max: number,
  letGo: (old: Value) => void,
): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= max) return
  const [oldest] = map
  if (oldest === undefined) return
  map.delete(oldest[0])
  letGo(oldest[1])
}

/**
 * Some things an isolate never forgets, such as the names given to `Symbol.for`: an earlier call could fill it, and a
 * later one would be told that it had used too much memory.
 */
function hasRoom({ isolate }: Workplace, memoryMb: number): boolean {
  const { used_heap_size: usedBytes, externally_allocated_size: outsideBytes } =
    isolate.getHeapStatisticsSync()
  return usedBytes + outsideBytes < LEFT_BEHIND_MAX * memoryMb * 1024 * 1024
}

function dispose(workplace: Workplace): void {
  if (!workplace.isolate.isDisposed) workplace.isolate.dispose()
}
