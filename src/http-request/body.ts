import {
  isObject,
  type Json,
  type JsonObject,
  NumberText,
  setKey,
  stringifyExact,
} from '../payload/exact-json.ts'
import { writeXml } from '../payload/write-xml.ts'
import { writeForm } from './form-body.ts'

export interface BodyFormat {
  format: 'json' | 'xml' | 'form' | 'text'
  /** The root element of XML; without it the item's only key is the root, or else `data`. */
  xmlRoot?: string | undefined
}

export type WrittenBody = { ok: true; body: string; contentType: string } | { ok: false; message: string }

/** Writes an item in the format of its destination; numbers keep every digit in each of them. */
export function writeBody(item: Json, { format, xmlRoot }: BodyFormat): WrittenBody {
  switch (format) {
    case 'json':
      return { ok: true, body: stringifyExact(item), contentType: 'application/json' }
    case 'xml':
      return xmlBody(item, xmlRoot)
    case 'form':
      return formBody(item)
    case 'text':
      return { ok: true, body: textOf(item), contentType: 'text/plain; charset=utf-8' }
  }
}

/** A scalar as it stands, so that a function can write any text; everything else as JSON. */
function textOf(item: Json): string {
  if (item === null) return ''
  if (typeof item === 'object' && !(item instanceof NumberText)) return stringifyExact(item)
  return String(item)
}

function xmlBody(item: Json, xmlRoot: string | undefined): WrittenBody {
  const written = writeXml(rooted(item, xmlRoot), { rootName: xmlRoot ?? 'data' })
  if (written.ok) return { ok: true, body: written.xml, contentType: 'application/xml; charset=utf-8' }
  const where = written.path === '' ? '' : ` at ${written.path}`
  return { ok: false, message: `the item cannot be written as XML${where}: ${written.message}` }
}

/**
 * An object with one key names its own root, so a root that the operator chose is put around it here, unless it
 * is the same one.
 */
function rooted(item: Json, xmlRoot: string | undefined): Json {
  if (xmlRoot === undefined || Array.isArray(item)) return item
  const [only, ...others] = isObject(item) ? Object.keys(item) : []
  if (only === xmlRoot && others.length === 0) return item
  const root: JsonObject = {}
  setKey(root, xmlRoot, item)
  return root
}

function formBody(item: Json): WrittenBody {
  const body = writeForm(item)
  if (body === undefined) return { ok: false, message: 'a form needs an object: names at its top' }
  return { ok: true, body, contentType: 'application/x-www-form-urlencoded' }
}
