import type { ChildProcess } from 'node:child_process'
import type { Duplex } from 'node:stream'
import type { FunctionLimits } from './contract.ts'
import { createFrameReader, encodeFrame } from './frames.ts'
import { launchSandboxProcess } from './launch.ts'
import { lowerPriority, residentBytes } from './process-facts.ts'
import { type Reply, readReply } from './protocol.ts'

/** What a process may be asked, with the limits that its host enforces from outside. */
export interface Errand {
  parts: readonly string[]
  limits: FunctionLimits
}

export type ErrandEnd =
  | { kind: 'reply'; reply: Reply }
  /** The host killed the process because the errand overran. */
  | { kind: 'killed'; over: 'time' | 'memory'; wallMs: number }
  /** The process ended, or stopped making sense, for a reason of its own. */
  | { kind: 'died'; detail: string }

/** One sandbox process; works on one errand at a time. */
export interface SandboxProcess {
  readonly pid: number
  /** Never rejects. */
  run(errand: Errand): Promise<ErrandEnd>
  /** Resident memory when it last was idle. */
  idleRssBytes(): number
  isAlive(): boolean
  /** Ends it at once; resolves when it is gone. */
  kill(): Promise<void>
}

const START_TIMEOUT_MS = 20_000
/** How much later than the process itself the host ends an errand: the time that a busy machine may need. */
const GRACE_MS = 400
const WATCH_PERIOD_MS = 20
const STDERR_CHARS_MAX = 2_000
/** Room in a frame for what surrounds data and log: the head, escapes of the log's text. */
const FRAME_SLACK_BYTES = 1_000_000
const MEMORY_FACTOR = 2
const MEMORY_SLACK_BYTES = 64 * 1024 * 1024

/**
 * Starts a process; resolves when it is ready.
 *
 * @throws Error with the process's last words when it does not become so.
 */
export async function startSandboxProcess(): Promise<SandboxProcess> {
  const child = launchSandboxProcess()
  const channel = child.stdio[3] as Duplex
  const pid = child.pid
  const gone = exitOf(child)
  const lastWords = keepTail(child)
  let isAlive = true
  let idleRssBytes = 0
  let frameBytesMax = FRAME_SLACK_BYTES
  let onEnd: ((end: ErrandEnd) => void) | undefined

  const finish = (end: ErrandEnd): void => {
    const settle = onEnd
    onEnd = undefined
    settle?.(end)
  }
  const endNow = (end: ErrandEnd): void => {
    isAlive = false
    child.kill('SIGKILL')
    finish(end)
  }
  void gone.then((detail) => {
    isAlive = false
    finish({ kind: 'died', detail: `${detail}${lastWords()}` })
  })
  const reader = createFrameReader(() => frameBytesMax)
  channel.on('error', () => undefined)
  channel.on('data', (chunk: Buffer) => {
    if (!isAlive) return
    try {
      for (const frame of reader.push(chunk)) {
        // A reply that nobody asked for comes from a process that is no longer ours.
        if (onEnd === undefined) throw new TypeError('a reply without a request')
        const reply = readReply(frame)
        idleRssBytes = reply.head.rssBytes
        if (reply.head.isDying) isAlive = false
        finish({ kind: 'reply', reply })
      }
    } catch (error) {
      endNow({ kind: 'died', detail: `it sent ${error instanceof Error ? error.message : 'nonsense'}` })
    }
  })

  const ready = await within<ErrandEnd>(START_TIMEOUT_MS, (settle) => {
    onEnd = settle
  })
  if (ready?.kind !== 'reply' || pid === undefined) {
    endNow({ kind: 'died', detail: 'it did not start' })
    const detail = ready?.kind === 'died' ? ready.detail : 'it was not ready in time'
    throw new Error(`a sandbox process does not start: ${detail}`)
  }
  lowerPriority(pid)

  return {
    pid,
    idleRssBytes: () => idleRssBytes,
    isAlive: () => isAlive,
    async kill() {
      endNow({ kind: 'died', detail: 'it was stopped' })
      await gone
    },
    run({ parts, limits }) {
      return new Promise((resolve) => {
        if (!isAlive) return resolve({ kind: 'died', detail: 'it had ended before' })
        frameBytesMax = limits.outputBytesMax + 6 * limits.logBytesMax + FRAME_SLACK_BYTES
        const stopWatch = watch(pid, idleRssBytes, limits, (over, wallMs) =>
          endNow({ kind: 'killed', over, wallMs }),
        )
        onEnd = (end) => {
          stopWatch()
          resolve(end)
        }
        channel.write(encodeFrame(parts))
      })
    },
  }
}

/** The host's own eyes: whatever the process says or no longer says, it ends at these limits. */
function watch(
  pid: number,
  idleRssBytes: number,
  limits: FunctionLimits,
  onOver: (over: 'time' | 'memory', wallMs: number) => void,
): () => void {
  const startedAt = performance.now()
  const rssBytesMax = idleRssBytes + MEMORY_FACTOR * limits.memoryMb * 1024 * 1024 + MEMORY_SLACK_BYTES
  const timer = setInterval(() => {
    const wallMs = performance.now() - startedAt
    if (wallMs > limits.wallMs + GRACE_MS) onOver('time', wallMs)
    else if ((residentBytes(pid) ?? 0) > rssBytesMax) onOver('memory', wallMs)
  }, WATCH_PERIOD_MS)
  return () => clearInterval(timer)
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(signal ? `ended by ${signal}` : `ended with status ${code}`))
  })
}

/** What it wrote to its standard error last. */
function keepTail(child: ChildProcess): () => string {
  let tail = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-STDERR_CHARS_MAX)
  })
  return () => (tail === '' ? '' : `: ${tail.trim()}`)
}

async function within<Value>(
  timeoutMs: number,
  start: (settle: (value: Value) => void) => void,
): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs)
  })
  const value = await Promise.race([new Promise<Value>(start), late])
  clearTimeout(timer)
  return value
}
