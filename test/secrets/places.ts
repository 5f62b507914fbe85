import type { Document, Schema } from '../admin/sample-of.ts'

const UNDER = new Map([
  ['auth', ['secret', 'password', 'token', 'value']],
  ['proof', ['secret', 'password', 'token', 'value']],
  ['clientCertificate', ['key', 'passphrase']],
])

/** The places at which configs of these forms take secrets, as their schemas tell: `http auth.basic.password`. */
export function placesInSchemas({ components: { schemas } }: Document): Set<string> {
  const found = new Set<string>()
  const look = (name: string, under: string[]) => walk(schemas[name] ?? {}, [], under, found, schemas)
  look('DestinationConfig', [])
  look('Proof', UNDER.get('proof') ?? [])
  look('AlertChannelConfig', ['password', 'secret'])
  return found
}

function walk(
  schema: Schema,
  trail: string[],
  names: string[],
  found: Set<string>,
  schemas: Document['components']['schemas'],
): void {
  const refers = schema.$ref?.split('/').at(-1)
  if (refers !== undefined) walk(schemas[refers] ?? {}, trail, names, found, schemas)
  for (const part of [...(schema.oneOf ?? []), ...(schema.anyOf ?? []), ...(schema.allOf ?? [])])
    walk(part, trail, names, found, schemas)
  if (schema.items) walk(schema.items, trail, names, found, schemas)
  const { properties = {} } = schema
  const own = labelOf(
    Object.fromEntries(Object.entries(properties).map(([key, { const: only }]) => [key, only])),
  )
  const place = [...trail, ...own]
  for (const [key, held] of Object.entries(properties)) {
    if (names.includes(key) && held.type === 'string') found.add([...place, key].join('.'))
    else walk(held, [...place, key], UNDER.get(key) ?? names, found, schemas)
  }
}

/** The same of a config that is given, where what is found in it is a secret. */
export function placesIn(
  given: unknown,
  isSecret: (text: string) => boolean,
  trail: string[] = [],
): string[] {
  if (Array.isArray(given)) return given.flatMap((element) => placesIn(element, isSecret, trail))
  if (typeof given === 'string') return isSecret(given) ? [trail.join('.')] : []
  if (typeof given !== 'object' || given === null) return []
  const place = [...trail, ...labelOf(given)]
  return Object.entries(given).flatMap(([key, held]) => placesIn(held, isSecret, [...place, key]))
}

/** By which forms are told apart; of a source the scheme is enough. */
function labelOf({ kind, scheme }: { kind?: unknown; scheme?: unknown }): string[] {
  return [kind, scheme].filter((label) => typeof label === 'string')
}
