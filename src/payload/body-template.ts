import type { Json } from './exact-json.ts'
import { fillJson } from './json-template.ts'
import {
  type CompileOptions,
  compileTemplate,
  type EscapeField,
  jsonOf,
  OUTPUT_CHARS_MAX,
  type RenderedTemplate,
  renderTemplate,
  type Template,
} from './template.ts'
import { fillXml } from './xml-template.ts'

/** The languages in which a template may be written, each with its own way to put a field in. */
export type BodyLanguage = 'json' | 'xml' | 'form' | 'text'

export interface BodyTemplate {
  readonly template: Template
  readonly language: BodyLanguage
}

export type CompiledBodyTemplate =
  | { readonly ok: true; readonly template: BodyTemplate }
  | { readonly ok: false; readonly message: string }

/** A field where it was found, to be written as its place asks. */
export interface Field {
  readonly text: string
  /** The field as a JSON value. */
  json(): string
}

/** The language of a content type; what is neither JSON, XML nor a form is text, where nothing is escaped. */
export function languageOf(contentType: string): BodyLanguage {
  const [type = ''] = contentType.toLowerCase().split(';', 1)
  if (/^\s*(?:application|text)\/(?:[^/]+\+)?json\s*$/.test(type)) return 'json'
  if (/^\s*(?:application|text|image)\/(?:[^/]+\+)?xml\s*$/.test(type)) return 'xml'
  return type.trim() === 'application/x-www-form-urlencoded' ? 'form' : 'text'
}

/** Reads the template of a body; see {@link compileTemplate} for what it may hold. */
export function compileBodyTemplate(
  text: string,
  language: BodyLanguage,
  options: CompileOptions = {},
): CompiledBodyTemplate {
  if (text.includes('\0')) return { ok: false, message: 'a template has no NUL characters' }
  const compiled = compileTemplate(text, options)
  return compiled.ok ? { ok: true, template: { template: compiled.template, language } } : compiled
}

/**
 * Fills in the template of a body so that no field can become part of its structure.
 *
 * - JSON: within quotes a field is a part of that string, outside of them it is a JSON value of its own kind. The
 *   result is JSON, or the rendering failed.
 * - XML: a field is text, in elements, quoted attributes and CDATA sections. The result is well-formed, or the
 *   rendering failed.
 * - Form: a field is percent-encoded, whether it is a name or a value.
 * - Text: a field is written as it is.
 */
export function renderBody({ template, language }: BodyTemplate, scope: Json): RenderedTemplate {
  if (language === 'text') return renderTemplate(template, scope, (text) => text)
  if (language === 'form') return renderTemplate(template, scope, formEncode)
  return renderByPlace(template, scope, language === 'json' ? fillJson : fillXml)
}

/**
 * How a field is written depends on the text before it, which its escape does not see. So fields leave their number
 * between NUL characters, which no template has, and are filled in when the whole text is there.
 */
function renderByPlace(
  template: Template,
  scope: Json,
  fill: (literals: readonly string[], fields: readonly Field[]) => string,
): RenderedTemplate {
  const fields: Field[] = []
  let chars = 0
  const leaveNumber: EscapeField = (text, value) => {
    chars += text.length
    if (chars > OUTPUT_CHARS_MAX) throw new Error(TOO_LONG)
    fields.push({ text, json: () => jsonOf(value) })
    return `\0${fields.length - 1}\0`
  }
  const rendered = renderTemplate(template, scope, leaveNumber)
  if (!rendered.ok) return rendered
  try {
    const parts = rendered.text.split('\0')
    const literals = parts.filter((_, at) => at % 2 === 0)
    const text = fill(literals, fields)
    return text.length > OUTPUT_CHARS_MAX ? { ok: false, message: TOO_LONG } : { ok: true, text }
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) }
  }
}

const TOO_LONG = `the result is longer than ${OUTPUT_CHARS_MAX} characters`

function formEncode(text: string): string {
  if (!text.isWellFormed()) throw new Error('a field in a form holds half a character')
  return encodeURIComponent(text).replaceAll('%20', '+')
}
