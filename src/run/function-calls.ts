import { setTimeout as pause } from 'node:timers/promises'
import { maskUrl, verdict } from '../http-request/http-request.ts'
import { allowsHost } from '../integrations/integrations.ts'
import type { Answer, Answered, Outbound, OutboundRequest } from '../outbound/outbound.ts'
import { decodeText } from '../payload/charset.ts'
import { decodeContent } from '../payload/content-encoding.ts'
import { parseContentType } from '../payload/content-type.ts'
import { VERSION } from '../platform/version.ts'
import type { AskOutside, FunctionOutcome } from '../rewrite/rewrite.ts'

/** What one call of a rewrite function asked of the world outside. */
export interface FunctionCalls {
  ask: AskOutside
  /** A line for each request, with its status and time. */
  lines: FunctionOutcome['log']
}

/** Of one call of a function. */
const CALLS_MAX = 20
/** A function that asks on and on is not to keep this process busy with refusing it. */
const REFUSED_PAUSE_MS = 50
const REQUEST_BYTES_MAX = 1_048_576
const RESPONSE_BYTES_MAX = 1_048_576
const TIMEOUT_MS = { connect: 5_000, total: 30_000 }
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const POLICY = { success: ['2xx'], retryOn: [], deadOn: [], retryAfterMaxMs: 0, who: 'the called system' }
const HIDDEN = { names: [], texts: [] }

/** What the realm reads, see `rewrite/sandbox/realm/fetch-url.ts`. */
type Told =
  | {
      ok: true
      status: number
      headers: Record<string, string>
      body: string
      problem?: string
      mayPass: boolean
    }
  | { ok: false; message: string; mayPass: boolean }

/** For one call of a function, which may ask these hosts and no others. */
export function openFunctionCalls(allowedHosts: readonly string[], outbound: Outbound): FunctionCalls {
  const lines: FunctionCalls['lines'] = []
  let calls = 0
  return {
    lines,
    async ask(question, signal) {
      calls += 1
      if (calls > CALLS_MAX) {
        await pause(REFUSED_PAUSE_MS, undefined, { signal }).catch(() => undefined)
        return JSON.stringify(refused(`fetchUrl: a call may ask ${CALLS_MAX} times`))
      }
      const request = readQuestion(question, allowedHosts)
      if (typeof request === 'string') return JSON.stringify(refused(`fetchUrl: ${request}`))
      const answer = await outbound.request({ ...request, signal })
      lines.push({ level: 'note', text: lineOf(request, answer) })
      return JSON.stringify(await told(answer, signal))
    },
  }
}

function refused(message: string): Told {
  return { ok: false, message, mayPass: false }
}

/** The question of a process that strangers' code may have taken over; a sentence where it cannot be asked. */
function readQuestion(text: string, allowedHosts: readonly string[]): OutboundRequest | string {
  const { url, method, headers, body } = fieldsOf(text)
  const known = METHODS.find((one) => one === String(method).toUpperCase())
  if (known === undefined) return `the method is one of ${METHODS.join(', ')}`
  if (typeof url !== 'string' || !URL.canParse(url)) return 'the URL cannot be read'
  const parsed = new URL(url)
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:')
    return 'a URL begins with https:// or http://'
  if (!allowsHost(allowedHosts, parsed))
    return `${parsed.host} is not among the allowedHosts of the integration`
  const pairs = readHeaders(headers)
  if (pairs === undefined) return 'a header cannot be sent as it stands'
  if (body !== null && typeof body !== 'string') return 'the body is a text'
  if (body !== null && (known === 'GET' || known === 'HEAD')) return `a ${known} request has no body`
  if (Buffer.byteLength(body ?? '') > REQUEST_BYTES_MAX) return `a body is at most ${REQUEST_BYTES_MAX} bytes`
  return {
    method: known,
    url: parsed.href,
    headers: pairs,
    ...(body !== null && { body }),
    timeoutMs: TIMEOUT_MS,
    responseBytesMax: RESPONSE_BYTES_MAX,
  }
}

function fieldsOf(text: string): Record<string, unknown> {
  try {
    const read: unknown = JSON.parse(text)
    return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/
const HEADER_VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]{0,8000}$/
const HEADERS_MAX = 50

function readHeaders(given: unknown): [name: string, value: string][] | undefined {
  if (!Array.isArray(given) || given.length > HEADERS_MAX) return undefined
  const headers = new Map([['user-agent', `Sluice/${VERSION}`]])
  for (const pair of given as unknown[]) {
    const [name, value] = Array.isArray(pair) ? (pair as unknown[]) : []
    if (typeof name !== 'string' || typeof value !== 'string') return undefined
    if (!HEADER_NAME.test(name) || !HEADER_VALUE.test(value)) return undefined
    headers.set(name.toLowerCase(), value)
  }
  return [...headers]
}

function lineOf({ method, url }: OutboundRequest, answer: Answer): string {
  const what = answer.ok ? String(answer.status) : `${answer.reason}: ${answer.message}`
  return `fetchUrl ${method} ${maskUrl(url, HIDDEN)}: ${what} in ${Math.round(answer.timing.totalMs)} ms`
}

async function told(answer: Answer, signal: AbortSignal): Promise<Told> {
  if (!answer.ok && signal.aborted)
    return { ok: false, message: 'fetchUrl: the time of the function is over', mayPass: true }
  const judged = verdict(answer, { ...POLICY, now: new Date() })
  const mayPass = judged.verdict === 'retry'
  if (!answer.ok) return { ok: false, message: `fetchUrl: ${judged.message}`, mayPass }
  const text = await textOf(answer)
  if (!text.ok) return refused(`fetchUrl: ${text.message}`)
  const { status } = answer
  const problem = judged.verdict === 'delivered' ? {} : { problem: `fetchUrl: ${judged.message}` }
  return { ok: true, status, headers: joined(answer.headers), body: text.text, mayPass, ...problem }
}

async function textOf({ body, headers, truncated }: Answered) {
  if (truncated)
    return { ok: false, message: `the answer is larger than ${RESPONSE_BYTES_MAX} bytes` } as const
  const header = (wanted: string) => headers.find(([name]) => name === wanted)?.[1]
  const decoded = await decodeContent(body, header('content-encoding'), RESPONSE_BYTES_MAX)
  if (!decoded.ok) return decoded
  return decodeText(decoded.body, parseContentType(header('content-type') ?? '')?.charset)
}

/** Headers by name; one that came several times is joined as HTTP does it. */
function joined(headers: Answered['headers']): Record<string, string> {
  const byName = new Map<string, string>()
  for (const [name, value] of headers) {
    const before = byName.get(name)
    byName.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return Object.fromEntries(byName)
}
