import { jsonShape } from '../../payload/json-shape.ts'
import {
  type ExpressionOutcome,
  FAILURE_REASONS,
  type FailureReason,
  type FunctionLimits,
  type FunctionOutcome,
  LOG_LEVELS,
  type LogLine,
  type SyntaxVerdict,
} from './contract.ts'
import type { ErrandEnd } from './conversation.ts'
import { isRecord, type Reply, type ReplyHead } from './protocol.ts'

/** What became of a function, from what became of its errand. */
export function readFunctionOutcome(end: ErrandEnd, limits: FunctionLimits, name: string): FunctionOutcome {
  if (end.kind !== 'reply') {
    const { reason, message } = fateOf(end, limits)
    // The process took its log and its processor time with it.
    const wallMs = end.kind === 'killed' ? end.wallMs : 0
    return { ok: false, reason, message, log: [], usage: { cpuMs: 0, wallMs } }
  }
  const { head, rest } = end.reply
  const usage = { cpuMs: head.cpuMs, wallMs: head.wallMs }
  const told = readTold(rest[0])
  const log = [...logOf(told), ...unhandledLine(head)]
  if (head.end === 'settled') return { ...settled(told, rest[1] ?? ''), log, usage }
  return { ok: false, ...endFailure(head, limits, name), log, usage }
}

/** One outcome for each expression; when the whole was stopped, every one of them says so. */
export function readExpressionOutcomes(
  end: ErrandEnd,
  limits: FunctionLimits,
  count: number,
): ExpressionOutcome[] {
  const { message, outcomes } = end.kind === 'reply' ? readOutcomes(end.reply, limits) : fateOf(end, limits)
  if (outcomes?.length === count) return outcomes
  return Array.from({ length: count }, () => ({ ok: false, message }))
}

/** A check that could not be carried out is no proof of anything, so it is a refusal with its reason. */
export function readSyntaxVerdict(end: ErrandEnd, limits: FunctionLimits): SyntaxVerdict {
  if (end.kind !== 'reply') return { ok: false, message: fateOf(end, limits).message }
  const { head } = end.reply
  if (head.end === 'settled') return { ok: true }
  return { ok: false, message: storable(head.message), ...head.place }
}

interface Failure {
  reason: FailureReason
  message: string
}

const UNREADABLE: Failure = {
  reason: 'bad_return',
  message: 'the function changed the language until its result was unreadable',
}

function fateOf(
  end: Exclude<ErrandEnd, { kind: 'reply' }>,
  limits: FunctionLimits,
): Failure & { outcomes?: undefined } {
  if (end.kind === 'died')
    return {
      reason: 'crashed',
      message: 'the sandbox process died while it ran, and again when it was repeated',
    }
  return end.over === 'time'
    ? { reason: 'timed_out', message: timeSentence(limits) }
    : { reason: 'out_of_memory', message: memorySentence(limits) }
}

function endFailure(head: ReplyHead, limits: FunctionLimits, name: string): Failure {
  const place = /^[0-9]+$/.test(head.message) ? ` (${name}, line ${head.message})` : ''
  switch (head.end) {
    case 'out_of_cpu':
      return { reason: 'timed_out', message: `used more than ${limits.cpuMs} ms of processor time${place}` }
    case 'out_of_time':
      return { reason: 'timed_out', message: `${timeSentence(limits)}${place}` }
    case 'out_of_memory':
      return { reason: 'out_of_memory', message: memorySentence(limits) }
    case 'output_too_large':
      return {
        reason: 'output_too_large',
        message: `data is larger than ${limits.outputBytesMax} bytes of JSON`,
      }
    case 'never_settled':
      return {
        reason: 'never_settled',
        message: 'waits for a promise that nothing will ever settle (there are no timers here)',
      }
    case 'syntax': {
      const line = head.place ? ` (${name}, line ${head.place.line})` : ''
      return { reason: 'syntax', message: `${storable(head.message)}${line}` }
    }
    case 'unreadable':
      return UNREADABLE
    default:
      return { reason: 'crashed', message: storable(head.message) }
  }
}

function timeSentence(limits: FunctionLimits): string {
  return `took longer than ${limits.wallMs} ms`
}

function memorySentence(limits: FunctionLimits): string {
  return `used more than ${limits.memoryMb} MB of memory`
}

/** What the realm told, believed only as far as its form goes: a function can break the realm that judges it. */
function readTold(text = '{}'): Record<string, unknown> {
  const told = readJson(text)
  return isRecord(told) ? told : {}
}

type Settled =
  | { ok: true; message: string; data: string | undefined }
  | { ok: false; reason: FailureReason; message: string }

function settled(told: Record<string, unknown>, data: string): Settled {
  const message = typeof told.message === 'string' ? storable(told.message) : ''
  if (told.ok === true && told.hasData === false) return { ok: true, message, data: undefined }
  if (told.ok === true && told.hasData === true) {
    const fault = faultOf(data)
    if (fault === 'unreadable') return { ok: false, ...UNREADABLE }
    if (fault !== undefined) return { ok: false, reason: 'output_too_large', message: `data has ${fault}` }
    return { ok: true, message, data }
  }
  const reason = FAILURE_REASONS.find((known) => known === told.reason)
  return { ok: false, ...(told.ok === false && reason ? { reason, message } : UNREADABLE) }
}

/** Deeper than the realm writes it; who goes through it later calls itself for each level. */
const DEPTH_MAX = 1_000
/** Five times as many as a body may have. Whoever reads millions of them does nothing else for seconds. */
const VALUES_MAX = 500_000

/** Why a result is not taken. */
function faultOf(text: string): string | undefined {
  const { depth, values } = jsonShape(text)
  if (depth > DEPTH_MAX) return 'unreadable'
  if (values > VALUES_MAX) return `${values} keys and elements, more than ${VALUES_MAX}`
  return readJson(text) === undefined ? 'unreadable' : undefined
}

/** Undefined for what is no JSON. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function logOf(told: Record<string, unknown>): LogLine[] {
  if (!Array.isArray(told.log)) return []
  return told.log.flatMap((line: unknown) => {
    if (!isRecord(line) || typeof line.text !== 'string') return []
    const level = LOG_LEVELS.find((known) => known === line.level)
    return level ? [{ level, text: storable(line.text) }] : []
  })
}

function unhandledLine(head: ReplyHead): LogLine[] {
  if (head.unhandled === undefined) return []
  return [
    { level: 'error', text: `a promise was rejected and nobody handled it: ${storable(head.unhandled)}` },
  ]
}

function readOutcomes(
  { head, rest }: Reply,
  limits: FunctionLimits,
): { message: string; outcomes?: ExpressionOutcome[] } {
  if (head.end !== 'settled') return endFailure(head, limits, 'expression')
  const list = readJson(rest[0] ?? '')
  if (!Array.isArray(list)) return { message: 'the expressions gave no result' }
  return { message: 'the expressions gave no result', outcomes: list.flatMap(expressionOutcome) }
}

function expressionOutcome(given: unknown): ExpressionOutcome[] {
  if (!isRecord(given)) return []
  if (given.ok === false) return [{ ok: false, message: storable(String(given.message)) }]
  if (given.value === undefined) return [{ ok: true, value: undefined }]
  if (typeof given.value !== 'string') return []
  const fault = faultOf(given.value)
  if (fault === undefined) return [{ ok: true, value: given.value }]
  return fault === 'unreadable' ? [] : [{ ok: false, message: `the result has ${fault}` }]
}

/** Text that Postgres can store: without NUL and without half characters. */
function storable(text: string): string {
  return text.replaceAll('\0', '\u{FFFD}').toWellFormed()
}
