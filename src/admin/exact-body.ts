import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { type Json, parseExact, stringifyExact } from '../payload/exact-json.ts'
import { Problem } from './problem.ts'

const BODY_BYTES_MAX = 4 * 1024 * 1024

export const limitBody: MiddlewareHandler = bodyLimit({
  maxSize: BODY_BYTES_MAX,
  onError: () => {
    throw new Problem(413, `the body is larger than ${BODY_BYTES_MAX} bytes`)
  },
})

/** Reads JSON bodies exactly: validators take the body from Hono's cache, which this fills first. */
export const exactBody: MiddlewareHandler = async (context, next) => {
  if (context.req.header('content-type')?.includes('json')) {
    const text = await context.req.text()
    context.req.bodyCache.json = Promise.resolve(text === '' ? undefined : parseExact(text))
  }
  await next()
}

/** A JSON answer in which long integers keep their digits; dates are written as ISO 8601. */
export function exactJson(value: object, status = 200): Response {
  return new Response(stringifyExact(value as unknown as Json), {
    status,
    headers: { 'content-type': 'application/json' },
  })
}
