import { isObject, type Json, NumberText, stringifyExact } from '../../payload/exact-json.ts'
import { type Path, parsePath, resolvePath } from '../../payload/path.ts'
import {
  compileTemplate,
  type RenderedTemplate,
  renderTemplate,
  type Template,
} from '../../payload/template.ts'

type UnknownFields = 'error' | 'empty'
type Rule = string | { template: string }
type Compiled = { path: Path; text: string } | { template: Template }

export type ReadValues = { ok: true; values: Json[] } | { ok: false; message: string }

/** The rules of configs, each read once: configs are immutable and live as long as their version. */
const compiled = new WeakMap<object, Map<string, Compiled>>()

/** The value of each rule in an item, in the order of the rules. A template gives a text, a path whatever is there. */
export function readValues(
  rules: Readonly<Record<string, Rule>>,
  item: Json,
  unknownFields: UnknownFields,
): ReadValues {
  const values: Json[] = []
  for (const [name, rule] of compiledOf(rules, unknownFields)) {
    const read = 'template' in rule ? fill(rule.template, item) : follow(rule.path, item, unknownFields)
    if (!read.ok)
      return { ok: false, message: `${JSON.stringify(name)} cannot be filled in: ${read.message}` }
    values.push(read.value)
  }
  return { ok: true, values }
}

/** A value as a text: a scalar as it stands, anything else as JSON. */
export function textOf(value: Json): string {
  if (value === null) return ''
  if (typeof value === 'object' && !(value instanceof NumberText)) return stringifyExact(value)
  return String(value)
}

const templates = new Map<string, Template>()
const TEMPLATES_MAX = 5_000

/** Fills in one template of a config. */
export function fillText(
  text: string,
  item: Json,
  unknownFields: UnknownFields,
  escapeField: (text: string) => string = (field) => field,
): RenderedTemplate {
  const key = `${unknownFields} ${text}`
  let template = templates.get(key)
  if (!template) {
    template = templateOf(text, unknownFields)
    if (templates.size >= TEMPLATES_MAX) templates.clear()
    templates.set(key, template)
  }
  return renderTemplate(template, item, escapeField)
}

function compiledOf(
  rules: Readonly<Record<string, Rule>>,
  unknownFields: UnknownFields,
): Map<string, Compiled> {
  const known = compiled.get(rules)
  if (known) return known
  const entries = Object.entries(rules).map(([name, rule]): [string, Compiled] => [
    name,
    typeof rule === 'string'
      ? { path: parsePath(rule), text: rule }
      : { template: templateOf(rule.template, unknownFields) },
  ])
  const made = new Map(entries)
  compiled.set(rules, made)
  return made
}

/** The config's schema compiles every template, so one that does not compile here is a defect. */
function templateOf(text: string, unknownFields: UnknownFields): Template {
  const read = compileTemplate(text, { unknownFields })
  if (!read.ok) throw new Error(`a stored destination has a template that cannot be read: ${read.message}`)
  return read.template
}

type ReadValue = { ok: true; value: Json } | { ok: false; message: string }

function fill(template: Template, item: Json): ReadValue {
  const rendered = renderTemplate(template, item, (text) => text)
  return rendered.ok ? { ok: true, value: rendered.text } : rendered
}

/** A path with [] gives a list, any other one value. */
function follow(path: Path, item: Json, unknownFields: UnknownFields): ReadValue {
  const found = resolvePath(item, path)
  if (path.includes('each')) return { ok: true, value: found }
  const [value] = found
  if (value !== undefined) return { ok: true, value }
  if (unknownFields === 'empty') return { ok: true, value: null }
  return {
    ok: false,
    message: isObject(item) ? 'the item does not have this field' : 'the item is no object',
  }
}
