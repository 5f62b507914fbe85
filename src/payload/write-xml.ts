import { PAYLOAD_DEPTH_CEILING } from './body-limits.ts'
import { isObject, type Json, type JsonObject, type JsonScalar, NumberText } from './exact-json.ts'
import { formatPath, type PathStep } from './path.ts'
import { findIllegalXmlChar, isXmlName } from './xml-names.ts'

export interface XmlWriting {
  /** The root element where the value does not name one itself. */
  readonly rootName: string
  /** Elements of a list that no key names, as in a list of lists. Default `item`. */
  readonly itemName?: string
}

export type WrittenXml =
  | { readonly ok: true; readonly xml: string }
  | { readonly ok: false; readonly path: string; readonly message: string }

/**
 * Writes data as an XML document in the convention that `readXml` reads: `@name` is an attribute, `#text` the text
 * beside attributes and children, a list repeats its element, null and "" are empty elements, an empty list is nothing.
 * An object whose only key names one element gives the root; anything else is put into `rootName`.
 *
 * What was read comes out so that reading it again gives the same. Numbers keep their digits. A key that is no XML
 * name, a list or object as attribute, and characters that XML does not have are problems that name the path.
 */
export function writeXml(value: Json, writing: XmlWriting): WrittenXml {
  const out: Writer = {
    parts: ['<?xml version="1.0" encoding="UTF-8"?>'],
    itemName: writing.itemName ?? 'item',
  }
  try {
    const root = ownRoot(value)
    if (root) writeElement(out, root.name, root.value, [{ key: root.name }])
    else writeElement(out, writing.rootName, value, [])
    return { ok: true, xml: out.parts.join('') }
  } catch (error) {
    if (!(error instanceof Unwritable)) throw error
    return { ok: false, path: error.path, message: error.message }
  }
}

/** Never leaves this file. */
class Unwritable extends Error {
  readonly path: string

  constructor(path: readonly PathStep[], message: string) {
    super(message)
    this.path = formatPath(path)
  }
}

interface Writer {
  readonly parts: string[]
  readonly itemName: string
}

function ownRoot(value: Json): { name: string; value: Json } | undefined {
  if (!isObject(value)) return undefined
  const [name, ...others] = Object.keys(value)
  if (name === undefined || others.length > 0 || name === '#text' || name.startsWith('@')) return undefined
  const content = value[name] ?? null
  if (!Array.isArray(content)) return { name, value: content }
  const [only] = content
  return content.length === 1 && only !== undefined ? { name, value: only } : undefined
}

function writeElement(out: Writer, name: string, value: Json, path: readonly PathStep[]): void {
  if (!isXmlName(name)) throw new Unwritable(path, `${JSON.stringify(name)} is not a name that XML allows`)
  if (path.length > PAYLOAD_DEPTH_CEILING) throw new Unwritable([], 'nested too deeply')
  out.parts.push('<', name)
  if (isObject(value)) writeAttributes(out, value, path)
  const tagEnd = out.parts.length
  out.parts.push('>')
  if (Array.isArray(value)) writeList(out, out.itemName, value, path)
  else if (isObject(value)) writeContent(out, value, path)
  else writeText(out, value, path, false)
  if (out.parts.length === tagEnd + 1) out.parts[tagEnd] = '/>'
  else out.parts.push('</', name, '>')
}

function writeAttributes(out: Writer, value: JsonObject, path: readonly PathStep[]): void {
  for (const key of Object.keys(value)) {
    if (!key.startsWith('@')) continue
    const place = [...path, { key }]
    const name = key.slice(1)
    if (!isXmlName(name)) throw new Unwritable(place, `${JSON.stringify(name)} is not a name that XML allows`)
    const text = scalarText(value[key] ?? null, place, 'an attribute')
    out.parts.push(' ', name, '="', text.replace(/[&<>"\t\n\r]/g, escapeChar), '"')
  }
}

function writeContent(out: Writer, value: JsonObject, path: readonly PathStep[]): void {
  const keys = Object.keys(value)
  const hasElements = keys.some((key) => key !== '#text' && !key.startsWith('@'))
  if (Object.hasOwn(value, '#text'))
    writeText(out, value['#text'] ?? null, [...path, { key: '#text' }], hasElements)
  for (const key of keys) {
    if (key === '#text' || key.startsWith('@')) continue
    const content = value[key] ?? null
    const place = [...path, { key }]
    if (Array.isArray(content)) writeList(out, key, content, place)
    else writeElement(out, key, content, place)
  }
}

function writeList(out: Writer, name: string, list: readonly Json[], path: readonly PathStep[]): void {
  for (const [index, item] of list.entries()) writeElement(out, name, item, [...path, { index }])
}

function writeText(out: Writer, value: Json, path: readonly PathStep[], besideElements: boolean): void {
  const text = scalarText(value, path, 'text')
  if (text === '') return
  const escaped = text.replace(/[&<>\r]/g, escapeChar)
  // Blanks beside child elements would be taken for layout, so the first one is spelled out.
  const isLayout = besideElements && /^[ \t\n]*$/.test(escaped)
  out.parts.push(isLayout ? `&#${escaped.charCodeAt(0)};${escaped.slice(1)}` : escaped)
}

function scalarText(value: Json, path: readonly PathStep[], what: string): string {
  if (value === null) return ''
  if (typeof value === 'object' && !(value instanceof NumberText))
    throw new Unwritable(path, `${Array.isArray(value) ? 'a list' : 'an object'} cannot be ${what}`)
  const text = String(value satisfies JsonScalar)
  if (typeof value === 'string' && findIllegalXmlChar(text) !== -1)
    throw new Unwritable(path, 'holds a character that XML does not allow')
  return text
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
])

function escapeChar(char: string): string {
  return ESCAPES.get(char) ?? `&#${char.charCodeAt(0)};`
}
