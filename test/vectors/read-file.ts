/**
 * Reads files of vectors, those that nobody has seen before too: what cannot be understood becomes a sentence about
 * that one vector. The `notes` in test/sources/vectors.json tell what each field means; a list of secrets may also be
 * called `secrets`, headers may be pairs or have lists of values, and a body that is no text stands in `bodyBase64`.
 */
import { z } from 'zod'
import type { Vector } from '../sources/vectors.ts'

/** A vector with the request that it describes. */
export interface Case {
  /** Its id, and its place in the file where the id does not tell it from others. */
  name: string
  vector: Vector
  request: GivenRequest
}

export interface GivenRequest {
  method: string
  /** The address that is signed, without its query. */
  publicUrl: string | undefined
  /** Empty, or a query with its question mark. */
  search: string
  headers: [name: string, value: string][]
  body: Buffer
}

/** A vector that cannot be understood. */
export interface Misshapen {
  name: string
  problem: string
}

export interface VectorFile {
  cases: (Case | Misshapen)[]
  /** Certificates that the file itself calls roots, in PEM. */
  roots: string[]
}

export function readVectorFile(text: string): VectorFile | { problem: string } {
  const parsed = parseJson(text)
  if ('problem' in parsed) return parsed
  const { value } = parsed
  const list = Array.isArray(value) ? value : isRecord(value) ? value.vectors : undefined
  if (!Array.isArray(list)) return { problem: 'it holds no list of vectors' }
  if (list.length === 0) return { problem: 'its list of vectors is empty' }
  const names = namesOf(list)
  return { cases: list.map((item, index) => readCase(names[index] ?? '', item)), roots: rootsIn(value) }
}

function parseJson(text: string): { value: unknown } | { problem: string } {
  try {
    return { value: JSON.parse(text.replace(/^\uFEFF/, '')) }
  } catch (error) {
    return { problem: `it is no JSON: ${(error as Error).message}` }
  }
}

function namesOf(list: unknown[]): string[] {
  const ids = list.map((item) => {
    const id = isRecord(item) ? item.id : undefined
    return typeof id === 'string' || typeof id === 'number' ? String(id) : ''
  })
  return ids.map((id, index) => {
    const place = `vector ${index + 1}`
    if (id === '') return place
    return ids.indexOf(id) === ids.lastIndexOf(id) ? id : `${id} (${place})`
  })
}

const headersSchema = z
  .union(
    [
      z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string())])),
      z.array(z.tuple([z.string(), z.string()])),
    ],
    'not names with their values',
  )
  .transform((given): [string, string][] =>
    (Array.isArray(given) ? given : Object.entries(given)).flatMap(([name, values]) =>
      [values].flat().map((value): [string, string] => [name, String(value)]),
    ),
  )

const LATEST_SECONDS = Date.UTC(9999, 11, 31) / 1000

const momentSchema = z
  .union(
    [z.number(), z.iso.datetime({ offset: true }).transform((text) => Math.floor(Date.parse(text) / 1000))],
    'no moment: Unix seconds, or ISO 8601',
  )
  .refine((seconds) => seconds >= 0 && seconds <= LATEST_SECONDS, 'not between 1970 and 9999 in Unix seconds')

const vectorSchema = z.looseObject({
  id: z.union([z.string(), z.number()]).nullish(),
  source: z.string('the name of a source is missing').min(1),
  kind: z.enum(['event', 'handshake', 'unsigned']).nullish(),
  method: z.string().min(1).nullish(),
  url: z.string().min(1).nullish(),
  query: z.union([z.string(), z.record(z.string(), z.string())]).nullish(),
  headers: headersSchema.nullish(),
  body: z.string('is no text: the exact bytes cannot be known').nullish(),
  bodyBase64: z.base64('is no base64').nullish(),
  now: momentSchema.nullish(),
  valid: z.boolean('says neither true nor false').nullish(),
  proof: z.record(z.string(), z.unknown()).nullish(),
  pinned: z.record(z.string(), z.string()).nullish(),
  fault: z.string().nullish(),
  expect: z
    .looseObject({
      status: z.int().nullish(),
      contentType: z.string().nullish(),
      enqueue: z.boolean().nullish(),
      dedupeKey: z.string().nullish(),
      dedupeByBodyHash: z.boolean().nullish(),
    })
    .nullish(),
})

type Given = z.infer<typeof vectorSchema>

function readCase(name: string, item: unknown): Case | Misshapen {
  const read = vectorSchema.safeParse(item)
  if (!read.success) return { name, problem: read.error.issues.map(told).join('; ') }
  const given = read.data
  const isHandshake = given.kind === 'handshake'
  if (typeof given.valid !== 'boolean' && !isHandshake) return { name, problem: 'valid: is missing' }
  if (typeof given.body === 'string' && typeof given.bodyBase64 === 'string')
    return { name, problem: 'has both body and bodyBase64' }
  const request = requestOf(given)
  const headers: Record<string, string> = {}
  for (const [header, value] of request.headers) {
    const known = headers[header.toLowerCase()]
    headers[header.toLowerCase()] = known === undefined ? value : `${known}, ${value}`
  }
  const vector = withoutNothing({
    ...given,
    id: name,
    kind: given.kind === 'event' ? undefined : given.kind,
    query: request.search === '' ? undefined : request.search.slice(1),
    expect: given.expect && withoutNothing(given.expect),
    // Whatever answer is right, a handshake that says nothing of its worth is a good one.
    valid: given.valid ?? true,
    headers,
    body: request.body.toString('utf8'),
  })
  return { name, request, vector: { ...vector, secret: given.secret ?? given.secrets ?? null } as Vector }
}

function told({ path, message }: z.core.$ZodIssue): string {
  return path.length === 0 ? message : `${path.join('.')}: ${message}`
}

function requestOf(given: Given): GivenRequest {
  const { method, url, headers, body, bodyBase64 } = given
  const at = url?.indexOf('?') ?? -1
  const query = queryOf(given)
  return {
    method: method ?? 'POST',
    publicUrl: (at === -1 ? url : url?.slice(0, at)) ?? undefined,
    search: url && at !== -1 ? url.slice(at) : query === '' ? '' : `?${query}`,
    headers: headers ?? [],
    body: typeof bodyBase64 === 'string' ? Buffer.from(bodyBase64, 'base64') : Buffer.from(body ?? ''),
  }
}

function queryOf({ query }: Given): string {
  return typeof query === 'string' ? query.replace(/^\?/, '') : new URLSearchParams(query ?? {}).toString()
}

function withoutNothing(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  )
}

/** The certificates under any key that speaks of a root. */
function rootsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, held]) =>
    /root/i.test(key) ? textsIn(held).filter((text) => text.includes('BEGIN CERTIFICATE')) : rootsIn(held),
  )
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
