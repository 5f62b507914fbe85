import type { FunctionLimits } from './contract.ts'

/**
 * What host and sandbox process say to each other. The process is told its sources first and says that it is ready.
 * It works on one request at a time and answers each with one reply. Before the reply it may ask, and gets an answer to each question.
 * The first text of a frame is one of these heads as JSON.
 */

/** What runs in the isolates of a process. */
export interface Sources {
  /** Path of isolated-vm's main file. */
  addon: string
  realm: string
  expressionLanguage: string
}

export type Request =
  /** Then: the source, the job data. */
  | {
      kind: 'function'
      applicationId: string
      name: string
      version: string
      limits: FunctionLimits
      /** Whether it may ask something in the middle. */
      asks: boolean
    }
  /** Then: the expressions as a JSON list, the input. */
  | { kind: 'expressions'; applicationId: string; limits: FunctionLimits }
  /** Then: the source. */
  | { kind: 'check'; name: string }
  /** Then: the expressions as a JSON list. */
  | { kind: 'check_expressions'; limits: FunctionLimits }

/** Said to a process before anything else. */
export interface SourcesHead extends Sources {
  kind: 'sources'
}

/** Then: the answer. Said to a process at work, and no request of its own. */
export interface AnswerHead {
  kind: 'answer'
  /** Which question it answers. */
  ask: number
}

/** Then: the question. Said by a process at work. */
export interface AskHead {
  ask: number
}

const ENDS = [
  /** The realm has an answer; it follows in the next texts. */
  'settled',
  'never_settled',
  'out_of_cpu',
  'out_of_time',
  'out_of_memory',
  'output_too_large',
  'syntax',
  /** A function broke the realm that should have told of it. */
  'unreadable',
  'fault',
] as const
export type End = (typeof ENDS)[number]

export interface Place {
  line: number
  column: number
}

export interface ReplyHead {
  end: End
  message: string
  /** Where a syntax error stands. */
  place?: Place
  /** An error that nobody handled while the function ran. */
  unhandled?: string
  cpuMs: number
  wallMs: number
  /** Resident memory of the idle process afterwards. */
  rssBytes: number
  /** The process has lost control of an isolate and takes no further request. */
  isDying?: boolean
}

export interface Reply {
  head: ReplyHead
  /** Texts that follow the head. */
  rest: string[]
}

/** The question in a frame of the sandbox process; undefined where it is a reply. */
export function readAsk(frame: readonly string[]): { number: number; question: string } | undefined {
  const [first = '', question] = frame
  const head: unknown = JSON.parse(first)
  if (!isRecord(head) || !Number.isSafeInteger(head.ask) || question === undefined) return undefined
  return { number: head.ask as number, question }
}

/**
 * Reads a frame of the sandbox process as a reply. A process that strangers' code may have taken over is believed
 * only as far as its form goes.
 *
 * @throws TypeError when the frame is no reply.
 */
export function readReply(frame: readonly string[]): Reply {
  const [first = '', ...rest] = frame
  const head: unknown = JSON.parse(first)
  if (!isRecord(head)) throw new TypeError('a reply without a head')
  const { end, message, place, unhandled, cpuMs, wallMs, rssBytes, isDying } = head
  if (!isEnd(end) || typeof message !== 'string') throw new TypeError('a reply without an end')
  return {
    head: {
      end,
      message,
      ...(isPlace(place) ? { place } : {}),
      ...(typeof unhandled === 'string' ? { unhandled } : {}),
      ...(isDying === true ? { isDying } : {}),
      cpuMs: amount(cpuMs),
      wallMs: amount(wallMs),
      rssBytes: amount(rssBytes),
    },
    rest,
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isEnd(value: unknown): value is End {
  return ENDS.some((end) => end === value)
}

function isPlace(value: unknown): value is Place {
  return isRecord(value) && Number.isSafeInteger(value.line) && Number.isSafeInteger(value.column)
}

function amount(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0
}
