import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Visit } from '../../src/admin/admin.ts'
import { newIntegrationId } from '../../src/platform/ids.ts'
import { startTestGateway, type TestGateway } from '../world/gateway.ts'

const NOW = new Date('2026-08-01T10:00:00Z')
const later = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000)
const VALIDATION = 'https://csm.adobe.io/csm/registrations/validate?id=7&challenge=8ec8d794'

let world: TestGateway
let shop: { id: string }
let visited: string[]
let answer: Awaited<ReturnType<Visit>>

beforeAll(async () => {
  const visit: Visit = async (url) => {
    visited.push(url)
    return answer
  }
  const fetchText = async () => ({ ok: false as const, message: 'nothing is fetched here' })
  world = await startTestGateway({ proofs: { now: () => NOW }, outside: { visit, fetchText } })
  shop = await world.api.application('shop')
})
afterAll(() => world.close())

beforeEach(() => {
  visited = []
  answer = { ok: true, status: 200 }
})

const nodes = [{ id: 'map', kind: 'transform' }]
const call = (method: string, path: string, body?: unknown) => world.api.call(method, path, body)
const tilby = () => world.api.integration(shop.id, { source: 'tilby', proof: {}, nodes })
const adobe = () =>
  world.api.integration(shop.id, { source: 'adobe-io-events', proof: { clientId: 'client-1' }, nodes })
const subscribed = (client: string) => ({
  kind: 'subscribed',
  pinned: { environment_id: 'shop-1', client_id: client },
  note: { entity_name: 'sales' },
})

describe('an integration whose source pins its sender', () => {
  test('waits for an hour when it is made, and shows who was pinned', async () => {
    const made = await tilby()
    expect(made.handshake).toMatchObject({ waitingUntil: later(60).toISOString(), pinned: null })
    await world.gateway.integrations.pinHandshake(made.id, subscribed('client-1'), later(59))
    const { handshake } = (await call('GET', `/integrations/${made.id}`)).body
    expect(handshake).toEqual({
      waitingUntil: null,
      pinned: { client_id: 'client-1', environment_id: 'shop-1' },
      kind: 'subscribed',
      note: { entity_name: 'sales' },
      receivedAt: later(59).toISOString(),
    })
    const changed = await call('PATCH', `/integrations/${made.id}`, { name: 'renamed' })
    expect(changed.body.handshake).toEqual(handshake)
  })

  test('waits again when it is told to, and no longer when it is told so', async () => {
    const { id } = await tilby()
    const longer = await call('POST', `/integrations/${id}/handshake/await`, { minutes: 600 })
    expect(longer).toMatchObject({ status: 200, body: { waitingUntil: later(600).toISOString() } })
    const usual = await call('POST', `/integrations/${id}/handshake/await`)
    expect(usual.body).toMatchObject({ waitingUntil: later(60).toISOString() })
    const ended = await call('POST', `/integrations/${id}/handshake/await`, { minutes: 0 })
    expect(ended.body).toMatchObject({ waitingUntil: null })
    expect(world.gateway.integrations.handshakeOf(id)).toMatchObject({ waitingUntil: null })
    const endless = await call('POST', `/integrations/${id}/handshake/await`, { minutes: 1_441 })
    expect(endless).toMatchObject({ status: 400, body: { errors: [{ path: 'minutes' }] } })
  })

  test('forgets its sender on request', async () => {
    const { id } = await tilby()
    await world.gateway.integrations.pinHandshake(id, subscribed('client-1'), NOW)
    expect((await call('DELETE', `/integrations/${id}/handshake`)).status).toBe(204)
    expect((await call('GET', `/integrations/${id}`)).body.handshake).toBeNull()
    expect((await call('DELETE', `/integrations/${id}/handshake`)).status).toBe(404)
  })
})

test('a source without such a handshake is not waited for', async () => {
  const made = await world.api.integration(shop.id, { nodes })
  expect(made.handshake).toBeNull()
  const waited = await call('POST', `/integrations/${made.id}/handshake/await`, {})
  expect(waited).toMatchObject({ status: 409, body: { detail: expect.stringContaining('no handshake of') } })
  const nobody = newIntegrationId()
  for (const [method, path] of [
    ['POST', `/integrations/${nobody}/handshake/await`],
    ['POST', `/integrations/${nobody}/handshake/confirm`],
    ['DELETE', `/integrations/${nobody}/handshake`],
  ] as const)
    expect((await call(method, path, method === 'POST' ? {} : undefined)).status).toBe(404)
})

describe('an address that confirms a webhook', () => {
  const note = (id: string, validationUrl: string) =>
    world.gateway.integrations.noteHandshake(id, { kind: 'validation', note: { validationUrl } }, NOW)
  const confirm = (id: string) => call('POST', `/integrations/${id}/handshake/confirm`)

  test('is shown, and asked for once, when the operator says so', async () => {
    const { id } = await adobe()
    await note(id, VALIDATION)
    const { handshake } = (await call('GET', `/integrations/${id}`)).body
    expect(handshake).toMatchObject({ kind: 'validation', note: { validationUrl: VALIDATION } })
    expect(visited).toEqual([])
    expect(await confirm(id)).toEqual({
      status: 200,
      body: { confirmed: true, status: 200, message: 'csm.adobe.io answered 200' },
    })
    expect(visited).toEqual([VALIDATION])
  })

  test('that is answered otherwise, or not at all, confirms nothing and says why', async () => {
    const { id } = await adobe()
    await note(id, VALIDATION)
    answer = { ok: true, status: 404 }
    expect((await confirm(id)).body).toMatchObject({ confirmed: false, status: 404 })
    answer = { ok: true, status: 302 }
    expect((await confirm(id)).body).toMatchObject({ confirmed: false, status: 302 })
    answer = { ok: false, message: 'csm.adobe.io:443: no answer within 20000 ms' }
    expect((await confirm(id)).body).toEqual({
      confirmed: false,
      status: null,
      message: 'csm.adobe.io:443: no answer within 20000 ms',
    })
  })

  test.each([
    'http://csm.adobe.io/csm/registrations/validate?id=7',
    'https://csm.adobe.io:8443/csm/registrations/validate?id=7',
    'https://csm.adobe.io.evil.example/csm',
    'https://evil.example/?https://csm.adobe.io/',
    'https://csm.adobe.io@evil.example/',
    'https://user:secret@csm.adobe.io/csm',
    'file:///etc/passwd',
    'no address',
  ])('is not asked for when it is %s', async (validationUrl) => {
    const { id } = await adobe()
    await note(id, validationUrl)
    const refused = await confirm(id)
    expect(refused).toMatchObject({
      status: 409,
      body: { detail: 'the validationUrl is no https address at csm.adobe.io' },
    })
    expect(visited).toEqual([])
  })

  test('is missed where none came, and where the source gives none', async () => {
    const { id } = await adobe()
    expect((await confirm(id)).body.detail).toMatch(/has sent no validationUrl yet$/)
    const other = await tilby()
    await note(other.id, VALIDATION)
    expect((await confirm(other.id)).body.detail).toBe('Tilby gives no address to confirm a webhook with')
    expect(visited).toEqual([])
  })
})
