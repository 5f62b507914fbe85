import type { Secret } from '../sources/sources.ts'

type Proof = Record<string, unknown> | null

/** The secrets that stand in lists of a proof, in order: those that may be renewed one by one. */
export function listedSecrets(proof: Proof): Secret[] {
  const found: Secret[] = []
  mapListed(proof, (secret) => {
    found.push(secret)
    return secret
  })
  return found
}

/** Ids that more than one secret of a proof has. */
export function repeatedSecretIds(proof: Proof): string[] {
  const ids = listedSecrets(proof).flatMap(({ id }) => id ?? [])
  return [...new Set(ids.filter((id, index) => ids.indexOf(id) !== index))]
}

/**
 * Gives each secret that has no id the one that the same secret had before, or a new one: so a definition that is
 * saved again and again from a file keeps its ids.
 */
export function nameSecrets<D extends { proof: Proof }>(
  definition: D,
  before: { proof: Proof } | undefined,
  newId: () => string,
): D {
  const taken = new Set(listedSecrets(definition.proof).flatMap(({ id }) => id ?? []))
  const earlier = listedSecrets(before?.proof ?? null)
  function nameOf(secret: Secret): string {
    const known = earlier.find(({ id, secret: text }) => id && text === secret.secret && !taken.has(id))?.id
    let name = known ?? newId()
    while (taken.has(name)) name = newId()
    taken.add(name)
    return name
  }
  const name = (secret: Secret) => (secret.id === undefined ? { id: nameOf(secret), ...secret } : secret)
  return { ...definition, proof: mapListed(definition.proof, name) }
}

type Change = (secret: Secret) => Secret

function mapListed<Held>(held: Held, change: Change, isElement = false): Held {
  if (Array.isArray(held)) return held.map((element) => mapListed(element, change, true)) as Held
  if (typeof held !== 'object' || held === null) return held
  const entries = Object.entries(held).map(([key, value]) => [key, mapListed(value, change)])
  const copy = Object.fromEntries(entries)
  return (isElement && typeof copy.secret === 'string' ? change(copy) : copy) as Held
}
