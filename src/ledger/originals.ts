import type { Sql } from '../platform/postgres.ts'

/** The body of a request as it came over the wire. */
export interface Original {
  body: Buffer
  contentType: string | null
  /** What is still to be undone of it. */
  contentEncoding: string | null
}

/** The original of an event; `element` for one that is a part of a body, `none` where no body was kept. */
export async function findOriginal(sql: Sql, eventId: string): Promise<Original | 'element' | 'none'> {
  const [row] = await sql<
    { isElement: boolean; body: Buffer | null; contentType: string | null; headers: string }[]
  >`
    SELECT event.is_element AS "isElement", request.body, request.content_type AS "contentType", request.headers
    FROM events event JOIN requests request ON request.id = event.request_id WHERE event.id = ${eventId}`
  if (row?.isElement) return 'element'
  if (!row?.body) return 'none'
  const headers: [name: string, value: string][] = JSON.parse(row.headers)
  const encoding = headers.find(([name]) => name.toLowerCase() === 'content-encoding')?.[1]
  return { body: row.body, contentType: row.contentType, contentEncoding: encoding ?? null }
}
