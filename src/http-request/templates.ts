import type { HttpRequestConfig } from '../integrations/integrations.ts'
import { type BodyTemplate, compileBodyTemplate, languageOf, renderBody } from '../payload/body-template.ts'
import type { Json } from '../payload/exact-json.ts'
import { renderHeader } from '../payload/header-template.ts'
import { compileTemplate, type RenderedTemplate, type Template } from '../payload/template.ts'
import { compileUrlTemplate, renderUrl, type UrlTemplate } from '../payload/url-template.ts'
import type { WrittenBody } from './body.ts'

interface Compiled {
  url: UrlTemplate
  headers: [name: string, template: Template][]
  body: { template: BodyTemplate; contentType: string } | undefined
}

/** Configs are immutable and live as long as their version, so each is compiled once. */
const compiled = new WeakMap<HttpRequestConfig, Compiled>()

/** The address with the fields of an item filled in; scheme, host and port are always those of the config. */
export function renderAddress(config: HttpRequestConfig, item: Json): RenderedTemplate {
  const rendered = renderUrl(templatesOf(config).url, item)
  return rendered.ok ? rendered : { ok: false, message: `the URL cannot be filled in: ${rendered.message}` }
}

export type RenderedHeaders =
  | { ok: true; headers: [name: string, value: string][] }
  | { ok: false; message: string }

/** The operator's headers with the fields of an item filled in, names in lower case. */
export function renderHeaders(config: HttpRequestConfig, item: Json): RenderedHeaders {
  const headers: [name: string, value: string][] = []
  for (const [name, template] of templatesOf(config).headers) {
    const rendered = renderHeader(template, item)
    if (!rendered.ok)
      return { ok: false, message: `the header ${name} cannot be filled in: ${rendered.message}` }
    headers.push([name, rendered.text])
  }
  return { ok: true, headers }
}

/** The body with the fields of an item filled in; undefined for a config that writes it in a format. */
export function renderOwnBody(config: HttpRequestConfig, item: Json): WrittenBody | undefined {
  const { body } = templatesOf(config)
  if (!body) return undefined
  const rendered = renderBody(body.template, item)
  if (!rendered.ok) return { ok: false, message: `the body cannot be filled in: ${rendered.message}` }
  return { ok: true, body: rendered.text, contentType: body.contentType }
}

function templatesOf(config: HttpRequestConfig): Compiled {
  const known = compiled.get(config)
  if (known) return known
  const { url, headers, body, unknownFields } = config
  const options = { unknownFields }
  const templates: Compiled = {
    url: checked(compileUrlTemplate(url, options)),
    headers: Object.entries(headers).map(([name, text]) => [
      name.toLowerCase(),
      checked(compileTemplate(text, options)),
    ]),
    body: body && {
      template: checked(
        compileBodyTemplate(body.template, body.language ?? languageOf(body.contentType), options),
      ),
      contentType: body.contentType,
    },
  }
  compiled.set(config, templates)
  return templates
}

/** The config's schema compiles every template, so one that does not compile here is a defect. */
function checked<T>(result: { ok: true; template: T } | { ok: false; message: string }): T {
  if (!result.ok) throw new Error(`a stored config has a template that cannot be read: ${result.message}`)
  return result.template
}
