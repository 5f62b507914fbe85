import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ZodError } from 'zod'
import { SearchAbandoned, SearchTooLong } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import { isDatabaseAway } from '../platform/postgres.ts'

export interface Fault {
  /** `nodes.0.mapping.total` */
  path: string
  message: string
}

/** An error of the management API, answered as `application/problem+json` (RFC 9457). */
export class Problem extends Error {
  readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 415 | 422 | 429 | 502 | 503
  readonly faults: Fault[]
  /** With 429. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    status: Problem['status'],
    message: string,
    faults: Fault[] = [],
    { retryAfterSeconds }: { retryAfterSeconds?: number } = {},
  ) {
    super(message)
    this.name = 'Problem'
    this.status = status
    this.faults = faults
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** @throws Problem naming all of them, if there are any. */
export function throwFaults(faults: Fault[]): void {
  if (faults.length > 0) throw new Problem(400, 'some fields are wrong', faults)
}

const TITLES: Record<number, string> = {
  400: 'The request is wrong',
  401: 'The API key is missing or wrong',
  403: 'The API key does not allow this',
  404: 'There is no such thing',
  409: 'The request does not go with what is there',
  413: 'The request is too large',
  415: 'The body is not JSON',
  422: 'What was asked for was tried and failed',
  429: 'Too many wrong API keys came from this address',
  500: 'An internal error occurred',
  502: 'Another system did not give what was asked of it',
  503: 'The database is away',
}

export function faultsOf(error: ZodError, under: string[] = []): Fault[] {
  return error.issues.map(({ path, message }) => ({
    path: [...under, ...path.map(String)].join('.'),
    message,
  }))
}

/** Every error of the API leaves through here; a defect tells nothing about itself but is logged with its stack. */
export function answerProblem(error: Error, context: Context, log: Log): Response {
  if (error instanceof Problem)
    return problemResponse(error.status, error.message, error.faults, error.retryAfterSeconds)
  if (error instanceof HTTPException) return problemResponse(error.status, error.message, [])
  // First, because a connection to the database can break in the same words.
  const { incoming } = context.env as { incoming: IncomingMessage }
  if (incoming.errored) return problemResponse(400, 'the request broke off before its end', [])
  if (error instanceof SearchTooLong) return problemResponse(422, tooLong(error), [])
  if (error instanceof SearchAbandoned)
    return problemResponse(400, 'the connection was ended before the search was', [])
  if ('code' in error && NOT_UNIQUE.has(String(error.code)))
    return problemResponse(409, 'somebody else changed the same thing at the same time', [])
  if (isDatabaseAway(error)) {
    log.warn({ err: error, path: context.req.path }, 'an API request could not reach the database')
    return problemResponse(503, 'try again in a moment', [])
  }
  log.error({ err: error, path: context.req.path }, 'a defect ended an API request')
  return problemResponse(500, '', [])
}

function tooLong({ secondsMax, hadTurn }: SearchTooLong): string {
  return hadTurn
    ? `this takes longer than ${secondsMax} s (SEARCH_SECONDS): narrow it down, best by "from" and "to"`
    : `other searches go on for longer than ${secondsMax} s (SEARCH_SECONDS): try again in a moment`
}

/** PostgreSQL's names for a key that is taken and for a row that is referred to and gone. */
const NOT_UNIQUE = new Set(['23505', '23503'])

export function problemResponse(
  status: number,
  detail: string,
  faults: Fault[],
  retryAfterSeconds?: number,
): Response {
  const body = {
    type: 'about:blank',
    title: TITLES[status] ?? 'Error',
    status,
    ...(detail === '' ? {} : { detail }),
    ...(faults.length === 0 ? {} : { errors: faults }),
  }
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' }
  if (status === 401) headers['www-authenticate'] = 'Bearer'
  if (status === 503) headers['retry-after'] = '5'
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds)
  // The body was not read, so the connection ends; a client that is not told would send its next request on it.
  if (status === 401 || status === 413 || status === 429) headers.connection = 'close'
  return new Response(JSON.stringify(body), { status, headers })
}
