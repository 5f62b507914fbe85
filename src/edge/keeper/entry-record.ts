/**
 * A request and its events as one record of the journal. The meta data are the entry as JSON, in which a number stands
 * for each text of bytes; the body is these texts one after the other: the request's body first, then the payloads.
 * So nothing large is escaped, and a body that is its own payload, as most are, is not even copied.
 */
import { z } from 'zod'
import type { JournalRecord } from '../../journal/journal.ts'
import type { Entry, EventEntry, RequestEntry } from '../../ledger/ledger.ts'

/** Another one whenever this form changes. What this version did not write is not read but set aside. */
const VERSION = 1

interface Written {
  version: typeof VERSION
  request: Omit<RequestEntry, 'body' | 'receivedAt'> & { body: number | null; receivedAt: string }
  events: (Omit<EventEntry, 'payload'> & { payload: number | null })[]
}

/** What is read here; the rest is what was written, as the checksum of its record says. */
const written = z.looseObject({
  version: z.literal(VERSION),
  request: z.looseObject({ receivedAt: z.iso.datetime(), body: z.int().min(0).nullable() }),
  events: z.array(z.looseObject({ payload: z.int().min(0).nullable() })),
})

/** The record shares the memory of the request's body, which must not change before it is stored. */
export function recordOf({ request, events }: Entry): JournalRecord {
  const payloads = events.map(({ payload }) => (payload === null ? null : Buffer.from(payload)))
  const meta: Written = {
    version: VERSION,
    request: {
      ...request,
      receivedAt: request.receivedAt.toISOString(),
      body: request.body?.length ?? null,
    },
    events: events.map((event, index) => ({ ...event, payload: payloads[index]?.length ?? null })),
  }
  const [first, ...rest] = [request.body, ...payloads].filter((bytes) => bytes !== null)
  const body = first === undefined ? null : rest.length === 0 ? first : Buffer.concat([first, ...rest])
  return { meta, body }
}

/** Undefined for a record that this version of Sluice did not write. */
export function entryOf({ meta, body }: JournalRecord): Entry | undefined {
  if (!written.safeParse(meta).success) return undefined
  const { request, events } = meta as Written
  const bytes = body ?? Buffer.alloc(0)
  const lengths = [request.body, ...events.map(({ payload }) => payload)]
  if (lengths.reduce((sum: number, length) => sum + (length ?? 0), 0) !== bytes.length) return undefined
  let at = 0
  function take(length: number): Buffer {
    at += length
    return bytes.subarray(at - length, at)
  }
  return {
    request: {
      ...request,
      receivedAt: new Date(request.receivedAt),
      body: request.body === null ? null : take(request.body),
    },
    events: events.map((event) => ({
      ...event,
      payload: event.payload === null ? null : take(event.payload).toString('utf8'),
    })),
  }
}
