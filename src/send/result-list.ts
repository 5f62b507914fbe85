import type { Answered } from '../outbound/outbound.ts'
import { decodeText } from '../payload/charset.ts'
import { decodeContent } from '../payload/content-encoding.ts'
import { parseContentType } from '../payload/content-type.ts'
import { type Json, parseExact } from '../payload/exact-json.ts'
import { parsePath, valueAt } from '../payload/path.ts'

/** `list` is undefined where the answer has none. */
export type ReadList = { ok: true; list: Json[] | undefined } | { ok: false; message: string }

/**
 * The list of results in an answer in JSON, whatever its type says; it may be compressed, though nobody asked for that,
 * begin with a mark and have any charset.
 */
export async function readResultList(
  { body, headers, truncated }: Answered,
  path: string,
  bytesMax: number,
): Promise<ReadList> {
  if (truncated) return { ok: false, message: `are longer than ${body.length} bytes` }
  const header = (wanted: string) => headers.find(([name]) => name === wanted)?.[1]
  const decoded = await decodeContent(body, header('content-encoding'), bytesMax)
  if (!decoded.ok) return { ok: false, message: `cannot be read: ${decoded.message}` }
  const text = decodeText(decoded.body, parseContentType(header('content-type') ?? '')?.charset)
  // Letters that are no text stand in a message at worst, and the rest tells all the same.
  return { ok: true, list: listIn(text.ok ? text.text : decoded.body.toString(), path) }
}

function listIn(text: string, path: string): Json[] | undefined {
  try {
    const found = valueAt(parseExact(text), parsePath(path))
    return Array.isArray(found) ? found : undefined
  } catch {
    return undefined
  }
}
