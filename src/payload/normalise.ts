import type { BodyLimits } from './body-limits.ts'
import { type BodyProblem, bodyProblem, shortName } from './body-problem.ts'
import { type DecodedText, decodeText } from './charset.ts'
import { parseContentType } from './content-type.ts'
import { type Json, stringifyExact } from './exact-json.ts'
import { readForm } from './read-form.ts'
import { readJson } from './read-json.ts'
import { type AlwaysList, readAlwaysList, readXml } from './read-xml.ts'

export type BodyFormat = 'json' | 'xml' | 'form' | 'text'

export interface NormaliseOptions {
  /** Reads the body as XML whatever the content type says, as the address that ends in `/xml` promises. */
  readonly forceXml: boolean
  /** Payload paths of XML elements that are lists however often they occur. */
  readonly alwaysList: readonly string[]
  readonly limits: BodyLimits
}

export interface NormalisedBody {
  readonly ok: true
  /** The payload as JSON text, numbers digit for digit. */
  readonly payload: string
  /** The payload's UTF-8 bytes are the body itself, so the body need not be kept twice. */
  readonly isBody: boolean
  readonly format: BodyFormat
  /** The payload as data, read at the first call. All callers share it, so nobody may change it. */
  value(): Json
}

/**
 * Turns a request body, content encoding already undone, into the payload that everything downstream reads.
 *
 * JSON stays the text it came as; XML, forms and plain text become JSON. The content type decides, with two habits
 * allowed for: JSON or XML under PHP's default form type, and no content type at all, where only `{`, `[` or `<` as
 * first character are believed. A body of nothing but blanks is `empty`; a content type or charset that is not
 * listed in the README, or is malformed, is `unsupported`; what cannot be read exactly is `unreadable`, and the message says where.
 *
 * Gives a value for any bytes and any content type; time is linear in the body.
 *
 * @throws PathError when a path of `alwaysList` cannot be read, which is to be checked when the setting is made.
 */
export function normalise(
  body: Buffer,
  contentType: string | undefined,
  options: NormaliseOptions,
): NormalisedBody | BodyProblem {
  if (isBlank(body)) return bodyProblem('empty', 'the body is empty')
  const type = readType(contentType, options.forceXml)
  if ('ok' in type) return type
  const format = type.format === 'form' ? formatUnderFormType(body) : type.format
  if (format === 'form') return normaliseForm(body, type.charset, options.limits)
  const decoded = decodeText(body, type.charset)
  if (!decoded.ok) return decoded
  if (isBlankText(decoded.text)) return bodyProblem('empty', 'the body is empty')
  return normaliseText(decoded, format, options)
}

function isBlank(body: Buffer): boolean {
  let at = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0
  while (isBlankCode(body[at])) at++
  return at >= body.length
}

function isBlankCode(code: number | undefined): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

interface ReadAs {
  readonly format: BodyFormat | 'sniff'
  readonly charset: string | undefined
}

function readType(contentType: string | undefined, forceXml: boolean): ReadAs | BodyProblem {
  const isAbsent = contentType === undefined || contentType.trim() === ''
  const parsed = isAbsent ? undefined : parseContentType(contentType)
  // The address says XML, so of a wrong content type only the charset is worth reading.
  if (forceXml) return { format: 'xml', charset: parsed?.charset }
  if (isAbsent) return { format: 'sniff', charset: undefined }
  if (!parsed) return bodyProblem('unsupported', 'the content type is malformed')
  const format = formatOf(parsed.type)
  if (format) return { format, charset: parsed.charset }
  return bodyProblem('unsupported', `the content type ${shortName(parsed.type)} is not supported`)
}

const FORMATS: ReadonlyMap<string, BodyFormat> = new Map([
  ['application/json', 'json'],
  ['text/json', 'json'],
  ['application/xml', 'xml'],
  ['text/xml', 'xml'],
  ['application/x-www-form-urlencoded', 'form'],
  ['text/plain', 'text'],
])

function formatOf(type: string): BodyFormat | undefined {
  if (type.endsWith('+json')) return 'json'
  if (type.endsWith('+xml')) return 'xml'
  return FORMATS.get(type)
}

/** PHP's HTTP functions send JSON and XML under the form type unless told otherwise; no form begins like these. */
function formatUnderFormType(body: Buffer): BodyFormat {
  let at = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0
  while (isBlankCode(body[at])) at++
  const first = body[at]
  return first === 0x7b || first === 0x5b ? 'json' : first === 0x3c ? 'xml' : 'form'
}

function normaliseForm(
  body: Buffer,
  charset: string | undefined,
  limits: BodyLimits,
): NormalisedBody | BodyProblem {
  const form = readForm(body, charset, limits)
  return form.ok ? fromValue(form.value, 'form') : form
}

function isBlankText(text: string): boolean {
  return /^[ \t\r\n]*$/.test(text)
}

function normaliseText(
  decoded: DecodedText,
  format: 'json' | 'xml' | 'text' | 'sniff',
  options: NormaliseOptions,
): NormalisedBody | BodyProblem {
  const { text } = decoded
  const known = format === 'sniff' ? sniff(text) : format
  if (known === undefined)
    return bodyProblem('unsupported', 'the content type is missing, and the body is no JSON or XML')
  if (known === 'text') return fromValue(text, 'text')
  if (known === 'json') return normaliseJson(decoded, options.limits)
  const xml = readXml(text, options.limits, alwaysListOf(options.alwaysList))
  return xml.ok ? fromValue(xml.value, 'xml') : xml
}

function sniff(text: string): 'json' | 'xml' | undefined {
  const first = /[^ \t\r\n]/.exec(text)?.[0]
  return first === '{' || first === '[' ? 'json' : first === '<' ? 'xml' : undefined
}

function normaliseJson(decoded: DecodedText, limits: BodyLimits): NormalisedBody | BodyProblem {
  const json = readJson(decoded.text, limits)
  if (!json.ok) return json
  let value: Json | undefined
  return {
    ok: true,
    payload: decoded.text,
    isBody: decoded.isUtf8AsIs,
    format: 'json',
    value: () => {
      value ??= json.read()
      return value
    },
  }
}

function fromValue(value: Json, format: BodyFormat): NormalisedBody {
  return { ok: true, payload: stringifyExact(value), isBody: false, format, value: () => value }
}

/** A definition keeps its list for as long as it is cached, so its tree is made once. */
const alwaysLists = new WeakMap<readonly string[], AlwaysList>()

function alwaysListOf(paths: readonly string[]): AlwaysList {
  const known = alwaysLists.get(paths)
  if (known) return known
  const made = readAlwaysList(paths)
  alwaysLists.set(paths, made)
  return made
}
