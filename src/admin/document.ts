import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import { channelConfigSchema, whenSchema } from '../alerts/alerts.ts'
import { definitionSchema, destinationConfigSchema } from '../integrations/integrations.ts'
import { conditionSchema } from '../payload/condition.ts'
import { VERSION } from '../platform/version.ts'
import { PRESETS } from '../sources/sources.ts'
import { proofSchemaOf } from './proof-schema.ts'

/** Serves the OpenAPI document. It is public: it describes the program, not what is in it. */
export function serveDocument(api: OpenAPIHono): void {
  api.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key. Each operation names the role that it needs: viewer, editor or admin, of which each may do what those before it may.',
  })
  let text: string | undefined
  api.get('/openapi.json', (context) => {
    text ??= JSON.stringify(documentOf(api))
    return context.body(text, 200, { 'content-type': 'application/json' })
  })
}

function documentOf(api: OpenAPIHono): object {
  const document = api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version: VERSION,
      description: 'Management and inspection of the inbound webhook gateway Sluice',
    },
    servers: [{ url: '/api/v1' }],
  })
  Object.assign(document.components?.schemas ?? {}, agreedSchemas())
  return document
}

/**
 * The shapes that other rooms own. They are recursive and hold checks of their own, which the generator of routes
 * cannot read, so zod writes them itself; the routes name them by reference.
 */
function agreedSchemas(): Record<string, object> {
  const registry = z.registry<{ id: string }>()
  registry.add(definitionSchema, { id: 'Definition' })
  registry.add(destinationConfigSchema, { id: 'DestinationConfig' })
  registry.add(conditionSchema, { id: 'Condition' })
  registry.add(channelConfigSchema, { id: 'AlertChannelConfig' })
  registry.add(whenSchema, { id: 'AlertCondition' })
  const { schemas } = z.toJSONSchema(registry, {
    uri: (id) => `#/components/schemas/${id}`,
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      if (zodSchema._zod.def.type !== 'custom') return
      jsonSchema.type = 'object'
      jsonSchema.description =
        'a field mapping: { "<destination field>": "<source field>" }, see docs/mapping.md'
    },
  })
  const agreed = Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _dialect, $id: _id, ...schema }]) => [name, schema]),
  )
  // The definition's own schema takes any object and asks the preset of its source.
  const { properties } = agreed.Definition as { properties: Record<string, object> }
  properties.proof = { $ref: '#/components/schemas/Proof' }
  return { ...agreed, Proof: proofSchema() }
}

/** A definition names its source, and that decides which of these its proof is. */
function proofSchema(): object {
  const ofSources = [...PRESETS.values()].flatMap((preset) => {
    const schema = proofSchemaOf(preset)
    return schema ? [{ title: preset.name, ...schema }] : []
  })
  const description = 'how the sender proves itself, as its source asks for it: the title is the source'
  return { description, anyOf: [{ type: 'null' }, ...ofSources] }
}
