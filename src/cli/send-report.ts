import type { Answer, Failure, SimulatedRequest, takenBy } from '../simulator/simulator.ts'
import { terminalText } from './terminal-text.ts'

export interface Outcome {
  readonly request: SimulatedRequest
  readonly answer: Answer | Failure
}

export interface Report {
  ended(outcome: Outcome, index: number, durationMs: number): void
  /** Writes the summary. Gives the exit code. */
  close(): number
}

export interface ReportOptions {
  readonly title: string
  readonly times: number
  readonly wrong: string | undefined
  readonly taken: ReturnType<typeof takenBy>
}

/** Up to so many, each request has its line; beyond, only those that did not end as they should. */
const LINES_MAX = 20

/** Tells on standard output what becomes of requests; how far it is, on standard error. */
export function reportOn(options: ReportOptions): Report {
  const { times } = options
  const isMany = times > LINES_MAX
  const tally: Tally = {
    begunMs: performance.now(),
    statuses: new Map(),
    durationsMs: [],
    failures: 0,
    unexpected: 0,
  }
  const progress = isMany ? showProgress(() => shownProgress(tally, times)) : undefined
  return {
    ended({ request, answer }, index, durationMs) {
      const complaint = complaintAbout(answer, request, options)
      count(tally, answer, durationMs, complaint)
      if (isMany && (complaint === undefined || tally.unexpected > LINES_MAX)) return
      const told = complaint === undefined ? '' : `  <- ${complaint}`
      console.log(`#${index + 1}  ${shownAnswer(answer, durationMs)}${told}`)
    },
    close() {
      progress?.end()
      if (times > 1) console.log(shownSummary(tally, times))
      if (options.wrong !== undefined && [...tally.statuses.keys()].some((status) => status < 300))
        console.error(
          'note: accepted although it is wrong: held in quarantine, or the integration asks for no such proof',
        )
      return tally.unexpected > 0 ? 1 : 0
    },
  }
}

interface Tally {
  readonly begunMs: number
  readonly statuses: Map<number, number>
  readonly durationsMs: number[]
  failures: number
  unexpected: number
}

/** What is wrong on purpose may be refused, or accepted into quarantine; only an outage is unexpected. */
function complaintAbout(
  answer: Answer | Failure,
  request: SimulatedRequest,
  { title, wrong, taken }: ReportOptions,
): string | undefined {
  if ('failure' in answer) return 'no answer'
  if (wrong !== undefined) return answer.status >= 500 ? 'an outage' : undefined
  const complaint = taken(answer, request)
  return complaint && `${title} ${complaint}`
}

function count(
  tally: Tally,
  answer: Answer | Failure,
  durationMs: number,
  complaint: string | undefined,
): void {
  if (complaint !== undefined) tally.unexpected += 1
  if ('failure' in answer) {
    tally.failures += 1
    return
  }
  tally.statuses.set(answer.status, (tally.statuses.get(answer.status) ?? 0) + 1)
  tally.durationsMs.push(durationMs)
}

/** On a terminal one line that changes; in a file a line now and then. */
function showProgress(line: () => string): { end(): void } {
  const { isTTY } = process.stderr
  const timer = setInterval(
    () => process.stderr.write(isTTY ? `\r${line()}\x1b[K` : `${line()}\n`),
    isTTY ? 500 : 10_000,
  )
  return {
    end() {
      clearInterval(timer)
      if (isTTY) process.stderr.write('\r\x1b[K')
    },
  }
}

function shownProgress({ durationsMs, failures, unexpected }: Tally, times: number): string {
  const done = `${durationsMs.length + failures} of ${times}`
  return unexpected > 0 ? `${done}, ${unexpected} not as expected` : done
}

const BODY_CHARS_MAX = 300

function shownAnswer(answer: Answer | Failure, durationMs: number): string {
  if ('failure' in answer) return answer.failure
  const body = terminalText(answer.body)
  const shown = body.length > BODY_CHARS_MAX ? `${body.slice(0, BODY_CHARS_MAX)}…` : body
  return `${answer.status}  ${shownMs(durationMs)}  ${shown}`.trimEnd()
}

function shownSummary({ begunMs, statuses, durationsMs, failures }: Tally, times: number): string {
  const seconds = (performance.now() - begunMs) / 1000
  const sent = durationsMs.length + failures
  const counts = [...statuses].toSorted(([a], [b]) => a - b).map(([status, many]) => `${many} x ${status}`)
  if (failures > 0) counts.push(`${failures} without an answer`)
  const sorted = durationsMs.toSorted((a, b) => a - b)
  const quantiles =
    sorted.length > 0 ? `; p50 ${shownMs(at(sorted, 0.5))}, p99 ${shownMs(at(sorted, 0.99))}` : ''
  const all = sent < times ? `${sent} of ${times}` : `${sent}`
  return `${all} sent in ${seconds.toFixed(1)} s (${Math.round(sent / seconds)}/s): ${counts.join(', ')}${quantiles}`
}

function shownMs(durationMs: number): string {
  return `${durationMs < 10 ? durationMs.toFixed(1) : Math.round(durationMs)} ms`
}

/** The nearest-rank quantile of what is sorted and not empty. */
function at(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(sorted.length * share) - 1] ?? 0
}
