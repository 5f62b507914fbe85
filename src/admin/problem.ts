import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ZodError } from 'zod'
import type { Log } from '../platform/log.ts'

export interface Fault {
  /** `nodes.0.mapping.total` */
  path: string
  message: string
}

/** An error of the management API, answered as `application/problem+json` (RFC 9457). */
export class Problem extends Error {
  readonly status: 400 | 401 | 404 | 409 | 413
  readonly faults: Fault[]

  constructor(status: Problem['status'], message: string, faults: Fault[] = []) {
    super(message)
    this.name = 'Problem'
    this.status = status
    this.faults = faults
  }
}

const TITLES: Record<number, string> = {
  400: 'The request is wrong',
  401: 'The API key is missing or wrong',
  404: 'There is no such thing',
  409: 'The request does not go with what is there',
  413: 'The request is too large',
  500: 'An internal error occurred',
}

export function faultsOf(error: ZodError, under: string[] = []): Fault[] {
  return error.issues.map(({ path, message }) => ({
    path: [...under, ...path.map(String)].join('.'),
    message,
  }))
}

/** Every error of the API leaves through here; a defect tells nothing about itself but is logged with its stack. */
export function answerProblem(error: Error, context: Context, log: Log): Response {
  if (error instanceof Problem) return problemResponse(error.status, error.message, error.faults)
  if (error instanceof HTTPException) return problemResponse(error.status, error.message, [])
  if (error instanceof SyntaxError) return problemResponse(400, `The body is not JSON: ${error.message}`, [])
  log.error({ err: error, path: context.req.path }, 'a defect ended an API request')
  return problemResponse(500, '', [])
}

export function problemResponse(status: number, detail: string, faults: Fault[]): Response {
  const body = {
    type: 'about:blank',
    title: TITLES[status] ?? 'Error',
    status,
    ...(detail === '' ? {} : { detail }),
    ...(faults.length === 0 ? {} : { errors: faults }),
  }
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json' },
  })
}
