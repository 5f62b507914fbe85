import { expect, test } from 'vitest'
import {
  type Definition,
  keepMaskedSecrets,
  listedSecrets,
  maskSecrets,
  placesOfMasked,
  repeatedSecretIds,
} from '../../src/integrations/integrations.ts'
import { nameSecrets } from '../../src/integrations/secret-names.ts'
import { definitionOf } from './world.ts'

function shopify(secrets: object[]): Definition {
  return definitionOf({ source: 'shopify', proof: { secrets } })
}

/** Ids in order, some of which are taken already. */
function idsFrom(...ids: string[]): () => string {
  return () => ids.shift() ?? 'no more'
}

const idsOf = (definition: Definition) => listedSecrets(definition.proof).map(({ id }) => id)

test('a secret without an id gets one that no other secret of the proof has', () => {
  const given = shopify([{ secret: 'a' }, { id: 'x', secret: 'b' }, { secret: 'c' }])
  expect(idsOf(nameSecrets(given, undefined, idsFrom('x', 'one', 'one', 'two')))).toEqual(['one', 'x', 'two'])
})

test('the secrets and the users of one proof have ids of their own', () => {
  const given = definitionOf({
    source: 'adyen',
    proof: { secrets: [{ secret: 'ab12' }], users: [{ username: 'u', secret: 'p' }] },
  })
  expect(idsOf(nameSecrets(given, undefined, idsFrom('one', 'one', 'two')))).toEqual(['one', 'two'])
})

test('the same secret, given again without its id, keeps the one it had', () => {
  const before = shopify([
    { id: 'one', secret: 'a' },
    { id: 'two', secret: 'b' },
  ])
  const again = shopify([{ secret: 'b' }, { secret: 'new' }, { secret: 'a' }])
  expect(idsOf(nameSecrets(again, before, idsFrom('three')))).toEqual(['two', 'three', 'one'])
  const twice = shopify([{ secret: 'a' }, { secret: 'a' }])
  expect(idsOf(nameSecrets(twice, before, idsFrom('three')))).toEqual(['one', 'three'])
})

test('a proof without lists of secrets, and none at all, stay as they are', () => {
  for (const given of [definitionOf({ source: 'tilby', proof: {} }), definitionOf()]) {
    expect(nameSecrets(given, undefined, idsFrom())).toEqual(given)
    expect(listedSecrets(given.proof)).toEqual([])
  }
})

test('ids that stand twice are told once', () => {
  const secrets = ['a', 'b', 'a', 'a'].map((id) => ({ id, secret: id }))
  expect(repeatedSecretIds({ secrets })).toEqual(['a'])
})

test('masked secrets are known by their ids, wherever they stand; what is not known stays masked and is told', () => {
  const before = shopify([
    { id: 'one', secret: 'a' },
    { id: 'two', secret: 'b' },
  ])
  const change = shopify([
    { secret: '***' },
    { id: 'two', secret: '***' },
    { id: 'one', secret: 'changed' },
    { id: 'gone', secret: '***' },
  ])
  const kept = keepMaskedSecrets(change, before)
  expect(listedSecrets(kept.proof).map(({ secret }) => secret)).toEqual(['***', 'b', 'changed', '***'])
  expect(placesOfMasked(kept)).toEqual(['proof.secrets.0.secret', 'proof.secrets.3.secret'])
  expect(keepMaskedSecrets(maskSecrets(before), before)).toEqual(before)
})

const sent = {
  url: 'https://erp.example/in?token=typed',
  headers: { 'x-api-key': 'typed' },
  auth: { kind: 'oauth2', tokenUrl: 'https://login.example/token', clientId: 'us', secret: 'ours' },
}
const spoken = { host: 'mail.example', port: 587, tls: true, auth: { username: 'us', password: 'ours' } }

test.each([
  ['of the address', sent, { url: 'https://evil.example/in?token=***' }, 3],
  ['of the address by its port', sent, { url: 'https://erp.example:8443/in?token=***' }, 3],
  ['of the address by its scheme', sent, { url: 'http://erp.example/in?token=***' }, 3],
  [
    'that gives the token',
    sent,
    { auth: { ...sent.auth, secret: '***', tokenUrl: 'https://evil.example/' } },
    3,
  ],
  ['by its name', spoken, { host: 'evil.example' }, 1],
  ['by its port', spoken, { port: 25 }, 1],
  ['to one that is spoken to in the clear', spoken, { tls: false }, 1],
  ['not at all: another path', sent, { url: 'HTTPS://erp.example:443/{{ a }}/b?token=***' }, 0],
  ['not at all: another user', spoken, { auth: { username: 'you', password: '***' } }, 0],
])('of a change of server, %s, no secret stays what it was', (_how, before, change, lost) => {
  for (const within of [
    (config: object) => config,
    (request: object) => ({ nodes: [{ id: 'ask', kind: 'call', request }] }),
  ]) {
    const changed = within({ ...maskSecrets<object>(before), ...change })
    expect(placesOfMasked(keepMaskedSecrets(changed, within(before)))).toHaveLength(lost)
  }
})
