import type { Json } from '../payload/exact-json.ts'

/** A request as a preset sees it: whole, and not believed yet. */
export interface Message {
  readonly method: string
  /** The address as the source knows it: the configured base with the path and query that were called. Never Host. */
  readonly url: string
  readonly query: URLSearchParams
  /** By its name in lower case; values of a repeated header are joined by `, `. */
  header(name: string): string | undefined
  /** The exact bytes, after Content-Encoding was undone. */
  readonly body: Buffer
  /** The body in its normal form, read within the limits; undefined where it cannot be read. */
  value(): Json | undefined
  readonly receivedAt: Date
}
