import type { DestinationConfig } from '../integrations/integrations.ts'
import type { Json } from '../payload/exact-json.ts'
import { renderHeader } from '../payload/header-template.ts'
import { compileTemplate, type RenderedTemplate, type Template } from '../payload/template.ts'
import { compileUrlTemplate, renderUrl, type UrlTemplate } from '../payload/url-template.ts'

interface Compiled {
  url: UrlTemplate
  headers: [name: string, template: Template][]
}

/** Configs are immutable and live as long as their version, so each is compiled once. */
const compiled = new WeakMap<DestinationConfig, Compiled>()

/** The address with the fields of an item filled in; scheme, host and port are always those of the config. */
export function renderAddress(config: DestinationConfig, item: Json): RenderedTemplate {
  const rendered = renderUrl(templatesOf(config).url, item)
  return rendered.ok ? rendered : { ok: false, message: `the URL cannot be filled in: ${rendered.message}` }
}

export type RenderedHeaders =
  | { ok: true; headers: [name: string, value: string][] }
  | { ok: false; message: string }

/** The operator's headers with the fields of an item filled in, names in lower case. */
export function renderHeaders(config: DestinationConfig, item: Json): RenderedHeaders {
  const headers: [name: string, value: string][] = []
  for (const [name, template] of templatesOf(config).headers) {
    const rendered = renderHeader(template, item)
    if (!rendered.ok)
      return { ok: false, message: `the header ${name} cannot be filled in: ${rendered.message}` }
    headers.push([name, rendered.text])
  }
  return { ok: true, headers }
}

function templatesOf(config: DestinationConfig): Compiled {
  const known = compiled.get(config)
  if (known) return known
  const templates: Compiled = {
    url: checked(compileUrlTemplate(config.url)),
    headers: Object.entries(config.headers).map(([name, text]) => [
      name.toLowerCase(),
      checked(compileTemplate(text)),
    ]),
  }
  compiled.set(config, templates)
  return templates
}

/** The config's schema compiles every template, so one that does not compile here is a defect. */
function checked<T>(result: { ok: true; template: T } | { ok: false; message: string }): T {
  if (!result.ok)
    throw new Error(`a stored destination has a template that cannot be read: ${result.message}`)
  return result.template
}
