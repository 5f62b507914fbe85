import type { Json } from './exact-json.ts'
import {
  type CompileOptions,
  compileTemplate,
  type RenderedTemplate,
  renderTemplate,
  type Template,
} from './template.ts'

/** A URL whose path and query may hold fields; where it leads to is fixed. */
export interface UrlTemplate {
  readonly template: Template
  /** Scheme, host and port, as `https://api.example.com:8443`. */
  readonly origin: string
}

export type CompiledUrlTemplate =
  | { readonly ok: true; readonly template: UrlTemplate }
  | { readonly ok: false; readonly message: string }

/**
 * Reads the template of an http(s) URL. Scheme, host and port are literal, without user and password: the first field
 * or tag stands behind the `/` or `?` that ends them.
 */
export function compileUrlTemplate(text: string, options: CompileOptions = {}): CompiledUrlTemplate {
  const start = /^https?:\/\/([^/?#\\{}%\s@]+)(?=[/?]|$)/i.exec(text)?.[0]
  if (start === undefined)
    return {
      ok: false,
      message: 'a URL begins with http:// or https:// and a literal host, without user, password or fields',
    }
  if (!URL.canParse(start))
    return { ok: false, message: `${JSON.stringify(start)} is not the beginning of a URL` }
  const literal = text.replace(/\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}/g, 'field')
  if (/[\u0000-\u0020\u007f-\u009f\\#]/.test(literal))
    return { ok: false, message: 'a URL has no blanks, control characters, backslashes or #' }
  if (hasDotSegment(literal))
    return { ok: false, message: 'a URL template has no . or .. as part of its path' }
  const compiled = compileTemplate(text, options)
  return compiled.ok
    ? { ok: true, template: { template: compiled.template, origin: new URL(start).origin } }
    : compiled
}

/**
 * Fills in the fields of a URL, percent-encoded, so that no field adds a `/`, `?`, `&` or `#`. Refused: control
 * characters, and path segments that come out as `.` or `..`, which would lead elsewhere on the host.
 */
export function renderUrl(url: UrlTemplate, scope: Json): RenderedTemplate {
  const rendered = renderTemplate(url.template, scope, percentEncode)
  if (!rendered.ok) return rendered
  if (rendered.text.length > URL_CHARS_MAX)
    return { ok: false, message: `the URL is longer than ${URL_CHARS_MAX} characters` }
  if (hasDotSegment(rendered.text)) return { ok: false, message: 'a field makes . or .. a part of the path' }
  const parsed = URL.parse(rendered.text)
  if (parsed?.origin !== url.origin)
    return { ok: false, message: 'the result is no URL of the host in the template' }
  return { ok: true, text: parsed.href }
}

const URL_CHARS_MAX = 8_000

function percentEncode(text: string): string {
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) throw new Error('a field in a URL holds a control character')
  if (!text.isWellFormed()) throw new Error('a field in a URL holds half a character')
  return encodeURIComponent(text)
}

function hasDotSegment(text: string): boolean {
  const [path = ''] = text.replace(/^[^:/]+:\/\/[^/?]*/, '').split('?', 1)
  return path.split('/').some((segment) => /^(?:\.|%2e)+$/i.test(segment))
}
