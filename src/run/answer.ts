import type { Answered } from '../outbound/outbound.ts'
import { decodeContent } from '../payload/content-encoding.ts'
import { isObject, type Json, setKey } from '../payload/exact-json.ts'
import { normalise } from '../payload/normalise.ts'
import { parsePath } from '../payload/path.ts'

const LIMITS = { depthMax: 200, keysMax: 1_000_000 }

export type ReadAnswer = { ok: true; value: Json } | { ok: false; message: string }

/** The body of an answer as data, by its content type; without one it is sniffed, or text. An empty body is null. */
export async function readAnswer(
  { body, headers, truncated }: Answered,
  bytesMax: number,
): Promise<ReadAnswer> {
  if (truncated) return { ok: false, message: `the answer is larger than ${bytesMax} bytes` }
  const header = (wanted: string) => headers.find(([name]) => name === wanted)?.[1]
  const decoded = await decodeContent(body, header('content-encoding'), bytesMax)
  if (!decoded.ok) return { ok: false, message: `the answer cannot be read: ${decoded.message}` }
  const contentType = header('content-type')
  const read = normaliseAs(decoded.body, contentType)
  const found =
    !read.ok && read.problem === 'unsupported' && contentType === undefined
      ? normaliseAs(decoded.body, 'text/plain')
      : read
  if (found.ok) return { ok: true, value: found.value() }
  if (found.problem === 'empty') return { ok: true, value: null }
  return { ok: false, message: `the answer cannot be read: ${found.message}` }
}

/** Adds an answer to the data under a path of keys, or puts it in its place. The data may be changed. */
export function placeAnswer(data: Json, answer: Json, result: string): ReadAnswer {
  if (result === 'replace') return { ok: true, value: answer }
  const keys = parsePath(result).flatMap((step) =>
    typeof step === 'object' && 'key' in step ? step.key : [],
  )
  if (!isObject(data)) return { ok: false, message: 'an answer can be added to an object only' }
  let target = data
  for (const [index, key] of keys.entries()) {
    if (index === keys.length - 1) {
      setKey(target, key, answer)
      break
    }
    const held = Object.hasOwn(target, key) ? target[key] : undefined
    if (held !== undefined && held !== null && !isObject(held))
      return { ok: false, message: `"${keys.slice(0, index + 1).join('.')}" is there already, and no object` }
    const next = isObject(held) ? held : {}
    setKey(target, key, next)
    target = next
  }
  return { ok: true, value: data }
}

function normaliseAs(body: Buffer, contentType: string | undefined) {
  return normalise(body, contentType, { forceXml: false, alwaysList: [], limits: LIMITS })
}
