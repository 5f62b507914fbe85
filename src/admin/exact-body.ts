import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { type Json, stringifyExact } from '../payload/exact-json.ts'
import { readJson } from '../payload/read-json.ts'
import { Problem } from './problem.ts'

const BODY_BYTES_MAX = 4 * 1024 * 1024
/** What is written here is read again by recursive walkers; no definition comes near. */
const BODY_SHAPE_MAX = { depthMax: 100, keysMax: 200_000 }

export const limitBody: MiddlewareHandler = bodyLimit({
  maxSize: BODY_BYTES_MAX,
  onError: () => {
    throw new Problem(413, `the body is larger than ${BODY_BYTES_MAX} bytes`)
  },
})

/** Reads JSON bodies exactly. Validators and handlers ask the request for its JSON, so it is told what to answer. */
export const exactBody: MiddlewareHandler = async (context, next) => {
  const text = await context.req.text()
  if (text !== '') {
    const type = context.req.header('content-type') ?? ''
    if (!/^application\/(?:json|[\w.-]+\+json)\s*(?:;|$)/i.test(type)) {
      throw new Problem(415, 'send the body as application/json')
    }
    const read = readJson(text, BODY_SHAPE_MAX)
    if (!read.ok) throw new Problem(400, `the body is ${read.message}`)
    const exact = read.read()
    context.req.json = async () => exact as never
  } else {
    context.req.json = async () => {
      throw new Problem(400, 'the body is missing: send JSON')
    }
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
