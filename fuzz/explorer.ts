/**
 * One target in a process of its own, so that an input which never ends, takes all memory or kills the process is
 * known: it was written down before it was read. Started by program.ts.
 */
import { openSync, writeSync } from 'node:fs'
import { openCoverage } from './coverage.ts'
import { type Exploration, explore } from './explore.ts'
import { saveInput, savePump } from './found.ts'
import { minimise } from './minimise.ts'

export interface ExplorerOrder {
  readonly target: string
  readonly seconds: number
  readonly seed: number
  /** Gets the length of what is being tried, as a text of 16 characters, and then itself. */
  readonly tryingFile: string
}

export type ExplorerSays =
  | { readonly soFar: Exploration }
  | { readonly broken: BrokenPromise; readonly soFar: Exploration }
  | { readonly done: Exploration }

export interface BrokenPromise {
  readonly kind: string
  readonly told: string
  readonly file: string
}

const PROGRESS_MS = 1_000

// Whoever asked is gone.
process.on('disconnect', () => process.exit())
process.on('message', (order: ExplorerOrder) => {
  work(order).then(
    () => process.disconnect(),
    (error) => {
      console.error(error)
      process.exit(2)
    },
  )
})

async function work({ target: name, seconds, seed, tryingFile }: ExplorerOrder): Promise<void> {
  const coverage = openCoverage()
  const { TARGETS } = await import('./targets.ts')
  const target = TARGETS.find((one) => one.name === name)
  if (!target) throw new Error(`there is no target ${name}`)
  const trying = openSync(tryingFile, 'w')
  const until = performance.now() + seconds * 1_000
  let toldAt = 0
  const end = await explore(target, {
    seed,
    coverage,
    goesOn: () => performance.now() < until,
    isTrying: (input) => void writeSync(trying, Buffer.concat([lengthOf(input), input]), 0, null, 0),
    progress(soFar) {
      if (performance.now() - toldAt < PROGRESS_MS) return
      toldAt = performance.now()
      say({ soFar })
    },
  })
  const { broken, ...soFar } = end
  if (!broken) return say({ done: soFar })
  const { kind, error, input, pump } = broken
  const file = pump ? savePump(name, pump) : saveInput(name, await minimise(target, input, kind))
  say({ broken: { kind, told: error instanceof Error ? `${error.stack}` : String(error), file }, soFar })
}

function lengthOf(input: Buffer): Buffer {
  return Buffer.from(String(input.length).padStart(16))
}

function say(what: ExplorerSays): void {
  process.send?.(what)
}
