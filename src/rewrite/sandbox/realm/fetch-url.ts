import { defineProperty, ErrorClass, isArray, objectKeys } from './primordials.ts'
import { readJson } from './read-json.ts'
import { writeJson } from './write-json.ts'

/** Brings a question to the host and waits for its answer; this thread stands still meanwhile. */
export interface AskHost {
  applySyncPromise(receiver: undefined, given: [question: string]): string
}

/** What came of the calls of one function. */
export interface Fetches {
  /** Whether this very error says that a call failed which may succeed another time. */
  mayPass(thrown: unknown): boolean
}

type HostAnswer =
  | {
      ok: true
      status: number
      headers: Record<string, string>
      body: string
      problem?: string
      mayPass: boolean
    }
  | { ok: false; message: string; mayPass: boolean }

const OFF =
  'fetchUrl is off: the integration has no allowedHosts. List there the hosts that its functions may call'

/** Puts `fetchUrl` beside the function; without a host to ask, every use throws a sentence that says why. */
export function installFetchUrl(ask: AskHost | undefined, fileName: string, charsMax: number): Fetches {
  const passing: unknown[] = []
  const failed = (message: string, mayPass: boolean): Error => {
    const error = new ErrorClass(message)
    if (mayPass) passing[passing.length] = error
    return error
  }

  async function fetchUrl(url: unknown, options: unknown): Promise<object> {
    if (ask === undefined) throw failed(OFF, false)
    const question = questionOf(url, options, fileName, charsMax)
    const answer = JSON.parse(ask.applySyncPromise(undefined, [question])) as HostAnswer
    if (!answer.ok) throw failed(answer.message, answer.mayPass)
    const { status, headers, body, problem } = answer
    const shown = {
      status,
      ok: problem === undefined,
      headers,
      text: () => body,
      json: () => readJson(body, (digits) => digits).value,
      requireOk() {
        if (problem !== undefined) throw failed(problem, answer.mayPass)
        return shown
      },
    }
    return shown
  }

  defineProperty(globalThis, 'fetchUrl', {
    value: fetchUrl,
    writable: true,
    enumerable: false,
    configurable: true,
  })
  return {
    mayPass(thrown) {
      for (let index = 0; index < passing.length; index += 1) if (passing[index] === thrown) return true
      return false
    },
  }
}

function questionOf(url: unknown, options: unknown, fileName: string, charsMax: number): string {
  const { method, headers, body } = (options ?? {}) as { method?: unknown; headers?: unknown; body?: unknown }
  const pairs = pairsOf(headers)
  const isText = typeof body === 'string' || body === undefined || body === null
  const text = isText ? body : jsonText(body, fileName, charsMax)
  if (!isText && !pairs.some(([name]) => name.toLowerCase() === 'content-type'))
    pairs[pairs.length] = ['content-type', 'application/json']
  return JSON.stringify({ url: `${url}`, method: `${method ?? 'GET'}`, headers: pairs, body: text ?? null })
}

function pairsOf(headers: unknown): [name: string, value: string][] {
  if (headers === undefined || headers === null) return []
  if (typeof headers !== 'object' || isArray(headers))
    throw new ErrorClass('fetchUrl: headers are an object of names and values')
  const given = headers as Record<string, unknown>
  return objectKeys(given).map((name) => [name, `${given[name]}`])
}

function jsonText(body: unknown, fileName: string, charsMax: number): string | undefined {
  const written = writeJson(body, 'body', charsMax, fileName)
  if (!written.ok) throw new ErrorClass(`fetchUrl: ${written.problem}`)
  return written.text
}
