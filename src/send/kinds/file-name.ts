import type { Json } from '../../payload/exact-json.ts'
import { fillText } from './values.ts'

const SEGMENTS_MAX = 10
const SEGMENT_BYTES_MAX = 200
const FIELD_CHARS_MAX = 100

export type FileName = { ok: true; segments: string[] } | { ok: false; message: string }

/**
 * The path below the folder, from a template. Whatever a field holds, it stays a part of one name: slashes, leading dots
 * and everything that is no letter, digit, dot, hyphen or _ becomes _.
 */
export function fileNameOf(template: string, item: Json, unknownFields: 'error' | 'empty'): FileName {
  const filled = fillText(template, item, unknownFields, safe)
  if (!filled.ok) return { ok: false, message: `the name of the file cannot be filled in: ${filled.message}` }
  const segments = filled.text.split('/')
  if (segments.length > SEGMENTS_MAX)
    return { ok: false, message: `the name of the file has more than ${SEGMENTS_MAX} parts` }
  const wrong = segments.find((segment) => !isName(segment))
  if (wrong === undefined) return { ok: true, segments }
  return { ok: false, message: `${JSON.stringify(wrong.slice(0, 100))} is no name for a file or folder` }
}

function safe(text: string): string {
  const plain = text.replace(/[^\p{L}\p{N}._-]/gu, '_').replace(/^\.+/, '_')
  return Array.from(plain).slice(0, FIELD_CHARS_MAX).join('') || '_'
}

/** No hidden names, so that none is `.` or `..`; and none of those that stand beside the files. */
function isName(segment: string): boolean {
  if (segment === '' || segment.startsWith('.') || segment.endsWith('.lock')) return false
  return Buffer.byteLength(segment) <= SEGMENT_BYTES_MAX && !/[\\\u0000-\u001f\u007f]/.test(segment)
}
