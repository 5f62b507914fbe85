import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newIntegrationId } from '../../src/platform/ids.ts'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { definitionOf, openProcess, type Process, saveOrders, saveShop } from './world.ts'

let one: Process
let two: Process
let drop: () => Promise<void>
let shop: string

beforeAll(async () => {
  const database = await freshDatabase()
  drop = database.drop
  ;[one, two] = await Promise.all([openProcess(database.url), openProcess(database.url)])
  shop = await saveShop(one.integrations)
})

afterAll(async () => {
  await Promise.all([one.close(), two.close()])
  await drop()
})

const NOW = new Date('2026-08-01T10:00:00Z')
const later = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000)
const pinOf = (client: string) => ({
  kind: 'subscribed',
  pinned: { environment_id: 'shop-1', client_id: client },
  note: { entity_name: 'sales' },
})

async function waiting(minutes = 60): Promise<string> {
  const id = await saveOrders(one.integrations, shop)
  await one.integrations.awaitHandshake(id, later(minutes))
  return id
}

describe('a pin', () => {
  test('is taken while the integration waits, ends the wait, and is seen by every process at once', async () => {
    const id = await waiting()
    expect(one.integrations.handshakeOf(id)).toMatchObject({ waitingUntil: later(60), pinned: null })
    expect(await two.integrations.pinHandshake(id, pinOf('client-1'), NOW)).toBe('pinned')
    const state = {
      waitingUntil: null,
      pinned: { client_id: 'client-1', environment_id: 'shop-1' },
      kind: 'subscribed',
      note: { entity_name: 'sales' },
      receivedAt: NOW,
    }
    expect(two.integrations.handshakeOf(id)).toEqual(state)
    await eventually(() => expect(one.integrations.handshakeOf(id)).toEqual(state))
    expect((await one.integrations.findHandshakes([id])).get(id)).toEqual(state)
  })

  test('told again is the same, in whatever order; another one is refused', async () => {
    const id = await waiting()
    await one.integrations.pinHandshake(id, pinOf('client-1'), NOW)
    const turned = { ...pinOf('client-1'), pinned: { client_id: 'client-1', environment_id: 'shop-1' } }
    expect(await two.integrations.pinHandshake(id, turned, later(1))).toBe('same')
    expect(await two.integrations.pinHandshake(id, pinOf('client-2'), later(1))).toBe('refused')
    expect(one.integrations.handshakeOf(id)).toMatchObject({ pinned: { client_id: 'client-1' } })
  })

  test('is refused where nobody waits, no longer or for nothing', async () => {
    const over = await waiting(5)
    expect(await one.integrations.pinHandshake(over, pinOf('client-1'), later(5))).toBe('refused')
    const ended = await waiting()
    await one.integrations.awaitHandshake(ended, null)
    const never = await saveOrders(one.integrations, shop)
    for (const id of [ended, never, newIntegrationId()])
      expect(await one.integrations.pinHandshake(id, pinOf('client-1'), NOW)).toBe('refused')
    const endless = { ...pinOf('x'.repeat(20_000)) }
    expect(await one.integrations.pinHandshake(await waiting(), endless, NOW)).toBe('refused')
  })

  test('of many that come to two processes at once one is taken, and the same ones agree with it', async () => {
    for (let round = 0; round < 10; round += 1) {
      const id = await waiting()
      const clients = ['a', 'b', 'a', 'b', 'a', 'b']
      const outcomes = await Promise.all(
        clients.map((client, at) => (at < 3 ? one : two).integrations.pinHandshake(id, pinOf(client), NOW)),
      )
      expect(outcomes.filter((outcome) => outcome === 'pinned')).toHaveLength(1)
      const winner = clients[outcomes.indexOf('pinned')]
      const expected: string[] = clients.map((client) => (client === winner ? 'same' : 'refused'))
      expected[outcomes.indexOf('pinned')] = 'pinned'
      expect(outcomes).toEqual(expected)
    }
  })

  test('stays until another one replaces it, when the operator waits for one again', async () => {
    const id = await waiting()
    await one.integrations.pinHandshake(id, pinOf('client-1'), NOW)
    await one.integrations.awaitHandshake(id, later(60))
    expect(one.integrations.handshakeOf(id)).toMatchObject({ pinned: { client_id: 'client-1' } })
    expect(await one.integrations.pinHandshake(id, pinOf('client-2'), NOW)).toBe('pinned')
    expect(one.integrations.handshakeOf(id)).toMatchObject({ pinned: { client_id: 'client-2' } })
  })

  test('is forgotten on request, and with its integration', async () => {
    const id = await waiting()
    await one.integrations.pinHandshake(id, pinOf('client-1'), NOW)
    await eventually(() => expect(two.integrations.handshakeOf(id)).toBeDefined())
    expect(await one.integrations.forgetHandshake(id)).toBe(true)
    expect(one.integrations.handshakeOf(id)).toBeUndefined()
    await eventually(() => expect(two.integrations.handshakeOf(id)).toBeUndefined())
    expect(await one.integrations.forgetHandshake(id)).toBe(false)
    const deleted = await waiting()
    await one.integrations.delete('integrations', deleted)
    expect(await one.sql`SELECT 1 FROM integration_handshakes WHERE integration_id = ${deleted}`).toEqual([])
  })
})

test('an integration can be made so that it waits from its first moment', async () => {
  const made = await one.integrations.createIntegration(
    { id: newIntegrationId(), applicationId: shop, name: 'till', enabled: true, definition: definitionOf() },
    later(60),
  )
  expect(one.integrations.handshakeOf(made?.id ?? '')).toMatchObject({ waitingUntil: later(60) })
})

describe('a note', () => {
  const note = (text: string) => ({ kind: 'validation', note: { validationUrl: text } })
  const read = async (id: string) => (await two.integrations.findHandshakes([id])).get(id)

  test('is there for the operator, without another process reading all definitions', async () => {
    const id = await saveOrders(one.integrations, shop)
    const told: string[] = []
    const listening = await two.sql.listen('sluice_definitions', (text) => void told.push(text))
    const tell = (text: string) => one.sql`SELECT pg_notify('sluice_definitions', ${text})`
    // What was saved until now may still be on its way.
    await tell('before')
    await one.integrations.noteHandshake(id, note('https://first.example'), NOW)
    await tell('afterwards')
    await eventually(() => expect(told).toContain('afterwards'))
    await listening.unlisten()
    expect(told.slice(told.indexOf('before'))).toEqual(['before', 'afterwards'])
    expect(await read(id)).toEqual({
      waitingUntil: null,
      pinned: null,
      kind: 'validation',
      note: { validationUrl: 'https://first.example' },
      receivedAt: NOW,
    })
    await one.integrations.reload()
    expect(one.integrations.handshakeOf(id)).toMatchObject({ kind: 'validation' })
  })

  test('the last one stays, and changes neither pin nor wait', async () => {
    const id = await waiting()
    await one.integrations.pinHandshake(id, pinOf('client-1'), NOW)
    await one.integrations.awaitHandshake(id, later(60))
    await one.integrations.noteHandshake(id, note('https://second.example'), later(1))
    expect(await read(id)).toMatchObject({
      waitingUntil: later(60),
      pinned: { client_id: 'client-1' },
      note: { validationUrl: 'https://second.example' },
      receivedAt: later(1),
    })
  })

  test('that says the same again is not written each time', async () => {
    const id = await saveOrders(one.integrations, shop)
    for (const seconds of [0, 30, 59])
      await one.integrations.noteHandshake(
        id,
        note('https://a.example'),
        new Date(NOW.getTime() + seconds * 1_000),
      )
    expect(await read(id)).toMatchObject({ receivedAt: NOW })
    await one.integrations.noteHandshake(id, note('https://a.example'), later(2))
    expect(await read(id)).toMatchObject({ receivedAt: later(2) })
  })

  test('of an integration that is not there, and one without end, leave nothing behind', async () => {
    const nobody = newIntegrationId()
    await one.integrations.noteHandshake(nobody, note('https://a.example'), NOW)
    expect(await read(nobody)).toBeUndefined()
    const id = await saveOrders(one.integrations, shop)
    await one.integrations.noteHandshake(id, note('x'.repeat(20_000)), NOW)
    expect(await read(id)).toMatchObject({ kind: 'validation', note: null })
  })
})
