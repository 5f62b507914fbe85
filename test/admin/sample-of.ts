/** The parts of an OpenAPI document that requests are made of. */
export interface Schema {
  $ref?: string
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  default?: unknown
  example?: unknown
  format?: string
  minLength?: number
  minimum?: number
  items?: Schema
  minItems?: number
  properties?: Record<string, Schema>
  required?: string[]
  oneOf?: Schema[]
  anyOf?: Schema[]
  allOf?: Schema[]
}

export interface Operation {
  method: string
  path: string
  description: string
  security: { apiKey: string[] }[]
  parameters?: { name: string; in: string; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

export interface Document {
  paths: Record<string, Record<string, Omit<Operation, 'method' | 'path'>>>
  components: { schemas: Record<string, Schema> }
}

export async function documentAt(url: string): Promise<Document> {
  return (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as Document
}

export function operationsOf({ paths }: Document): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, method, path })),
  )
}

export interface SampleOptions {
  /** Values of components that no generator could guess. */
  shapes: Readonly<Record<string, unknown>>
  /** Values of fields by their name, wherever they stand; of the others those that are required are given. */
  fields: Readonly<Record<string, unknown>>
}

/** A body that the operation takes, as its schema tells; undefined where it takes none. */
export function bodyFor(operation: Operation, document: Document, options: SampleOptions): unknown {
  const schema = operation.requestBody?.content['application/json']?.schema
  return schema && sampleOf(schema, document, options)
}

function sampleOf(schema: Schema, document: Document, options: SampleOptions): unknown {
  const name = schema.$ref?.split('/').at(-1)
  if (name !== undefined) {
    if (name in options.shapes) return options.shapes[name]
    return sampleOf(document.components.schemas[name] ?? {}, document, options)
  }
  if (schema.example !== undefined) return schema.example
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  const [part] = schema.allOf ?? schema.oneOf ?? schema.anyOf ?? []
  if (part) return sampleOf(part, document, options)
  return ofType(schema, document, options)
}

function ofType(schema: Schema, document: Document, options: SampleOptions): unknown {
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  switch (type) {
    case 'object':
      return objectOf(schema, document, options)
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () =>
        sampleOf(schema.items ?? {}, document, options),
      )
    case 'integer':
    case 'number':
      return schema.minimum ?? 1
    case 'boolean':
      return schema.default ?? false
    case 'string':
      return ofFormat(schema)
    default:
      return {}
  }
}

function objectOf(schema: Schema, document: Document, options: SampleOptions): Record<string, unknown> {
  const { properties = {}, required = [] } = schema
  const entries = Object.entries(properties).flatMap(([key, held]): [string, unknown][] => {
    if (key in options.fields) return [[key, options.fields[key]]]
    return required.includes(key) ? [[key, sampleOf(held, document, options)]] : []
  })
  return Object.fromEntries(entries)
}

function ofFormat({ format, minLength = 0 }: Schema): string {
  if (format === 'uuid') return '00000000-0000-7000-8000-000000000000'
  if (format === 'date-time') return '2100-01-01T00:00:00Z'
  return 'x'.repeat(Math.max(minLength, 2))
}
