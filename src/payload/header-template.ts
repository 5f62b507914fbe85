import type { Json } from './exact-json.ts'
import { type RenderedTemplate, renderTemplate, type Template } from './template.ts'

const HEADER_CHARS_MAX = 8_000

/** Fills in a header value. What could end the header or be sent as other bytes is refused, not replaced. */
export function renderHeader(template: Template, scope: Json): RenderedTemplate {
  const rendered = renderTemplate(template, scope, (text) => text)
  if (!rendered.ok) return rendered
  const { text } = rendered
  if (text.length > HEADER_CHARS_MAX)
    return { ok: false, message: `a header is at most ${HEADER_CHARS_MAX} characters long` }
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(text))
    return { ok: false, message: 'a header holds a control character' }
  if (/[^\u0000-\u00ff]/.test(text))
    return { ok: false, message: 'a header holds a character outside of ISO-8859-1' }
  return rendered
}
