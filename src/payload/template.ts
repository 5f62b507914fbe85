import { Context, Liquid, type Template as LiquidTemplate } from 'liquidjs'
import { isObject, type Json, NumberText, stringifyExact } from './exact-json.ts'
import { exactOnly, FILTERS, MATH_FILTERS, TAGS } from './template-language.ts'

/** A text with merge fields, ready to be rendered for any number of events. */
export interface Template {
  readonly text: string
  readonly nodes: LiquidTemplate[]
  readonly unknownFields: 'error' | 'empty'
}

export type CompiledTemplate =
  | { readonly ok: true; readonly template: Template }
  | { readonly ok: false; readonly message: string }

export type RenderedTemplate =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string }

/**
 * Writes one field for the place it goes to, from its text and what the text was made of (undefined for a field that
 * is not there). May throw: the message becomes that of the rendering.
 */
export type EscapeField = (text: string, value: unknown) => string

/** What the filter `json` gives: a text that is JSON already. */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

export interface CompileOptions {
  /** What a field that the scope does not have does: fail, naming it (the default), or give nothing. */
  readonly unknownFields?: 'error' | 'empty'
}

const TEMPLATE_CHARS_MAX = 65_536
const RENDER_MS_MAX = 200
const RENDER_MEMORY_MAX = 10_000_000
export const OUTPUT_CHARS_MAX = 1_000_000

const engine = makeEngine()

/**
 * Reads a template in Liquid: `{{ order.id }}`, filters, `if`, `unless`, `case`, `for`, `assign`, `comment`, `raw`.
 * Nothing reads files or other templates. The message of a problem gives line and column.
 */
export function compileTemplate(text: string, options: CompileOptions = {}): CompiledTemplate {
  if (text.length > TEMPLATE_CHARS_MAX)
    return { ok: false, message: `a template is at most ${TEMPLATE_CHARS_MAX} characters long` }
  try {
    const { unknownFields = 'error' } = options
    return { ok: true, template: { text, nodes: engine.parse(text), unknownFields } }
  } catch (error) {
    return { ok: false, message: messageOf(error) }
  }
}

/** The fields at the top that a template reads, each once: `order` for `{{ order.id }}`. */
export function fieldsOf({ nodes }: Template): string[] {
  return engine.globalVariablesSync(nodes)
}

/**
 * Fills in a template. Every field passes through `escapeField`; the template's own text does not. Numbers print
 * without losing a digit, null prints nothing, objects and lists print as JSON. Only own keys of the scope are seen.
 *
 * Time, memory and output are limited; what goes wrong comes back as a message.
 */
export function renderTemplate(template: Template, scope: Json, escapeField: EscapeField): RenderedTemplate {
  try {
    const context = new Context(
      isObject(scope) ? scope : {},
      engine.options,
      {
        sync: true,
        strictVariables: template.unknownFields === 'error',
      },
      { liquid: engine },
    )
    limitTime(context)
    context.setRegister(OUTPUT, { escapeField, charsLeft: OUTPUT_CHARS_MAX } satisfies OutputState)
    const text: unknown = engine.renderSync(template.nodes, context)
    if (typeof text !== 'string') return { ok: false, message: 'the template gives no text' }
    return text.length > OUTPUT_CHARS_MAX ? { ok: false, message: TOO_LONG } : { ok: true, text }
  } catch (error) {
    return { ok: false, message: messageOf(error) }
  }
}

/** What this thread had of the processor counts: that a machine lets it wait makes no template wrong. */
function limitTime(context: Context): void {
  const before = process.threadCpuUsage()
  let lookAtMs = performance.now() + RENDER_MS_MAX
  context.renderLimit.check = (nowMs) => {
    if (nowMs <= lookAtMs) return
    const { user, system } = process.threadCpuUsage(before)
    const leftMs = RENDER_MS_MAX - (user + system) / 1_000
    if (leftMs <= 0) throw new Error(TOO_LATE)
    lookAtMs = nowMs + leftMs
  }
}

const OUTPUT = 'sluice output'
const TOO_LATE = `it takes more than ${RENDER_MS_MAX} ms`
const TOO_LONG = `the result is longer than ${OUTPUT_CHARS_MAX} characters`

interface OutputState {
  readonly escapeField: EscapeField
  charsLeft: number
}

function makeEngine(): Liquid {
  const liquid = new Liquid({
    ownPropertyOnly: true,
    strictFilters: true,
    // With unknown fields an error, `if` and `default` are how a template says that one may be missing.
    lenientIf: true,
    parseLimit: TEMPLATE_CHARS_MAX,
    memoryLimit: RENDER_MEMORY_MAX,
    // The same text on every machine.
    timezoneOffset: 0,
    locale: 'en-US',
    // No file system, whatever a tag may try.
    templates: {},
    outputEscape: writeField,
  })
  for (const tag of Object.keys(liquid.tags)) if (!TAGS.has(tag)) delete liquid.tags[tag]
  for (const filter of Object.keys(liquid.filters)) if (!FILTERS.has(filter)) delete liquid.filters[filter]
  for (const name of MATH_FILTERS) {
    const filter = liquid.filters[name]
    if (typeof filter === 'function') liquid.registerFilter(name, exactOnly(name, filter))
  }
  liquid.registerFilter('json', (value: unknown) => new JsonText(jsonOf(value)))
  return liquid
}

/** The last filter of every field. */
function writeField(this: { context: Context }, value: unknown): string {
  const state = this.context.getRegister(OUTPUT) as unknown as OutputState
  const text = state.escapeField(fieldText(value), value)
  state.charsLeft -= text.length
  if (state.charsLeft < 0) throw new Error(TOO_LONG)
  return text
}

function fieldText(value: unknown): string {
  if (value === null || value === undefined) return ''
  const isText = typeof value !== 'object' || value instanceof NumberText || value instanceof JsonText
  return isText ? String(value) : jsonOf(value)
}

/** A value of a template as JSON; one that filters made already is taken as it stands. */
export function jsonOf(value: unknown): string {
  if (value instanceof JsonText) return value.text
  return stringifyExact((value ?? null) as Json)
}

const MESSAGE_CHARS_MAX = 500

/** Liquid's messages, without the excerpt of the template that follows the first line; some repeat the field's value. */
function messageOf(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n', 1)
  const message = line.replace(/^undefined variable: /, 'unknown field ')
  return message.length > MESSAGE_CHARS_MAX
    ? `${message.slice(0, MESSAGE_CHARS_MAX).toWellFormed()}…`
    : message
}
