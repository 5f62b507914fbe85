import type { BodyLimits } from './body-limits.ts'
import { type BodyProblem, bodyProblem, shortName } from './body-problem.ts'
import { decodeUnmarked } from './charset.ts'
import type { Json } from './exact-json.ts'
import { buildFields, type FormField } from './form-fields.ts'
import { readJson } from './read-json.ts'

/**
 * Reads `application/x-www-form-urlencoded`: `+` is a blank, `%XX` a byte of the charset (UTF-8 unless the content
 * type says otherwise), and both are decoded strictly. Names nest as `buildFields` says.
 *
 * A form whose only field is `payload` and holds a JSON object or list is that JSON.
 */
export function readForm(
  body: Buffer,
  charset: string | undefined,
  limits: BodyLimits,
): { readonly ok: true; readonly value: Json } | BodyProblem {
  const fields = readFields(body, charset, limits)
  if (!Array.isArray(fields)) return fields
  const [first] = fields
  if (fields.length === 1 && first?.name === 'payload' && /^[ \t\r\n]*[{[]/.test(first.value)) {
    const json = readJson(first.value, limits)
    return json.ok
      ? { ok: true, value: json.read() }
      : { ...json, message: `the form field payload is ${json.message}` }
  }
  return buildFields(fields, limits)
}

function readFields(
  body: Buffer,
  charset: string | undefined,
  limits: BodyLimits,
): FormField[] | BodyProblem {
  if (charset !== undefined && /^utf-?16/i.test(charset.trim()))
    return bodyProblem('unsupported', 'a form in UTF-16 is not supported')
  // Byte by byte, since the separators are ASCII in every other charset and the values are still escaped.
  const hasMark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf
  const written = body.toString('latin1', hasMark ? 3 : 0)
  const fields: FormField[] = []
  for (let start = 0; start <= written.length; ) {
    const separator = written.indexOf('&', start)
    const end = separator === -1 ? written.length : separator
    if (end > start) {
      const field = readField(written.slice(start, end), start, charset)
      if ('ok' in field) return field
      if (fields.push(field) > limits.keysMax)
        return bodyProblem('too_many_keys', `more than ${limits.keysMax} form fields`)
    }
    start = end + 1
  }
  return fields
}

function readField(written: string, start: number, charset: string | undefined): FormField | BodyProblem {
  const equals = written.indexOf('=')
  const name = unescapeText(equals === -1 ? written : written.slice(0, equals), charset)
  if (typeof name !== 'string')
    return { ...name, message: `${name.message} in the name at byte ${start} of the form` }
  const value = equals === -1 ? '' : unescapeText(written.slice(equals + 1), charset)
  if (typeof value === 'string') return { name, value }
  return { ...value, message: `${value.message} in the form field ${shortName(name)}` }
}

const PLAIN_ASCII = /^[\x20-\x24\x26-\x2a\x2c-\x7e]*$/

function unescapeText(written: string, charset: string | undefined): string | BodyProblem {
  if (PLAIN_ASCII.test(written)) return written
  if (/%(?![0-9A-Fa-f]{2})/.test(written)) return bodyProblem('unreadable', 'a % that begins no escape')
  const bytes = Buffer.from(
    written
      .replaceAll('+', ' ')
      .replace(/%([0-9A-Fa-f]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
  const decoded = decodeUnmarked(bytes, charset ?? 'utf-8')
  return decoded.ok ? decoded.text : decoded
}
