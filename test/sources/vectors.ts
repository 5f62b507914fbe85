/** Messages of every source with the verdict that is right for them; `notes` in vectors.json tells of each field. */
import { readFileSync } from 'node:fs'
import type { Message, ProofFault } from '../../src/sources/sources.ts'
import { messageOf } from './messages.ts'

export interface Vector {
  id: string
  source: string
  /** Secret, signed text and signature are published by the source; `origin` says where. */
  official?: boolean
  origin?: string
  /** Not an ordinary event: a question of the source, or an event of a source that signs nothing. */
  kind?: 'handshake' | 'unsigned'
  /** A detail of the scheme is not documented. */
  unverified?: boolean
  method?: string
  url?: string
  query?: string
  /** What the source signs with, in the form in which the source gives it; see vector-proof.ts. */
  secret: unknown
  proof?: Record<string, unknown>
  pinned?: Record<string, string>
  /** Unix seconds; absent where the scheme has no timestamp. */
  now?: number
  headers: Record<string, string>
  body: string
  valid: boolean
  fault?: ProofFault
  expect?: {
    status?: number
    contentType?: string
    body?: unknown
    enqueue?: boolean
    dedupeKey?: string
    dedupeByBodyHash?: boolean
  }
  reason?: string
}

const file = new URL('./vectors.json', import.meta.url)

export const VECTORS = (JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] }).vectors

/** Those that are events and whose sender proves itself. */
export const PROVEN = VECTORS.filter(({ kind, valid }) => kind === undefined && valid)

export function vector(id: string): Vector {
  const found = VECTORS.find((one) => one.id === id)
  if (!found) throw new Error(`there is no vector ${id}`)
  return found
}

/** 2027-01-01: the certificates of the vectors are valid by then. */
const NOW = 1_798_761_600

/** The message of a vector, or one that differs in what is given. */
export function messageIn(
  { method, url, query, headers, body, now }: Vector,
  changed: Partial<Omit<Vector, 'body'>> & { body?: string | Buffer } = {},
): Message {
  const address = changed.url ?? url
  return messageOf({
    method: method ?? 'POST',
    ...(address !== undefined && { url: address }),
    ...(query !== undefined && { url: `https://hooks.example.com/integration/abc?${query}` }),
    headers: changed.headers ?? headers,
    body: changed.body ?? body,
    now: changed.now ?? now ?? NOW,
  })
}
