import type { AskOutside, FunctionLimits } from './contract.ts'
import { type Conversation, converse, type ErrandEnd } from './conversation.ts'
import { launchSandboxProcess } from './launch.ts'
import { dieFirst, lowerPriority } from './process-facts.ts'
import type { Sources, SourcesHead } from './protocol.ts'
import { watchProcess } from './watchdog.ts'

/** What a process may be asked, with the limits that its host enforces from outside. */
export interface Errand {
  parts: readonly string[]
  limits: FunctionLimits
  ask?: AskOutside | undefined
  /** Told when its process has died under it, before another one takes it. */
  onRepeat?: () => void
}

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
/** Room in a frame for what surrounds data and log. */
const FRAME_SLACK_BYTES = 1_000_000
/** So long before the end of its time a function hears that there is no answer, and may still say something. */
const ANSWER_MARGIN_MS = 100
/** A character of the log can take six bytes as a JSON escape. */
const LOG_ESCAPE_FACTOR = 6

/**
 * Starts a process; resolves when it is ready.
 *
 * @throws Error with the process's last words when it does not become so.
 */
export async function startSandboxProcess(): Promise<SandboxProcess> {
  const { child, sources } = await launchSandboxProcess()
  const conversation = converse(child)
  let idleRssBytes = await readiness(conversation, sources)
  // Without an id there was no process, and so no readiness either.
  const pid = child.pid ?? 0
  lowerPriority(pid)
  dieFirst(pid)
  return {
    pid,
    idleRssBytes: () => idleRssBytes,
    isAlive: conversation.isOpen,
    async run({ parts, limits, ask }) {
      if (!conversation.isOpen()) return { kind: 'died', detail: 'it had ended before' }
      const { outputBytesMax, logBytesMax } = limits
      const frameBytesMax = outputBytesMax + LOG_ESCAPE_FACTOR * logBytesMax + FRAME_SLACK_BYTES
      const ended = conversation.nextEnd(frameBytesMax, ask && withinTime(ask, limits.wallMs))
      const stopWatch = watchProcess(pid, idleRssBytes, limits, (over, wallMs) =>
        conversation.breakOff({ kind: 'killed', over, wallMs }),
      )
      conversation.say(parts)
      const end = await ended
      stopWatch()
      if (end.kind === 'reply') idleRssBytes = end.reply.head.rssBytes
      return end
    },
    kill() {
      conversation.breakOff({ kind: 'died', detail: 'it was stopped' })
      return conversation.closed
    },
  }
}

/** Ends each question with the time on the clock that its function has, counted from here. */
function withinTime(ask: AskOutside, wallMs: number): AskOutside {
  const endsAt = performance.now() + wallMs - ANSWER_MARGIN_MS
  return (question, signal) => {
    const leftMs = Math.max(0, Math.floor(endsAt - performance.now()))
    return ask(question, AbortSignal.any([signal, AbortSignal.timeout(leftMs)]))
  }
}

/** Tells the process what to run and waits for its first frame, which gives the memory that an idle one takes. */
async function readiness(conversation: Conversation, sources: Sources): Promise<number> {
  const timer = setTimeout(
    () => conversation.breakOff({ kind: 'died', detail: 'it was not ready in time' }),
    START_TIMEOUT_MS,
  )
  const ready = conversation.nextEnd(FRAME_SLACK_BYTES)
  const head: SourcesHead = { kind: 'sources', ...sources }
  conversation.say([JSON.stringify(head)])
  const end = await ready
  clearTimeout(timer)
  if (end.kind === 'reply') return end.reply.head.rssBytes
  throw new Error(`a sandbox process does not start: ${end.kind === 'died' ? end.detail : 'it was killed'}`)
}
