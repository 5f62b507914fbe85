import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Gateway, startGateway } from '../../src/cli/gateway.ts'
import { readSettings } from '../../src/platform/settings.ts'
import { apiAt } from '../world/gateway.ts'
import { copyCluster } from '../world/made-cluster.ts'
import { ACCEPTED, askAt, type EdgeWorld, startEdge } from './world.ts'

const FRIEND = '203.0.113.5'
const worlds: EdgeWorld[] = []

async function start(env: Record<string, string>): Promise<{ world: EdgeWorld; id: string }> {
  const world = await startEdge({ RETRIEVE_ALLOWED_LIST: FRIEND, ...env })
  worlds.push(world)
  return { world, id: await world.integration() }
}
afterAll(() => Promise.all(worlds.map((world) => world.close())))

/** Who the refusal says is calling; the friend is answered 200. */
async function seenAs(
  world: EdgeWorld,
  id: string,
  headers: Record<string, string | string[]>,
): Promise<string> {
  const answer = await world.ask(`/integration/${id}`, { headers, body: '{}' })
  if (answer.status === 200) return FRIEND
  return /\(([^)]*)\) isn't authorized/.exec(answer.body)?.[1] ?? `${answer.status}`
}

describe('without TRUSTED_PROXIES', () => {
  test.each([
    { 'x-forwarded-for': FRIEND },
    { forwarded: `for=${FRIEND}` },
    { 'x-real-ip': FRIEND },
    { 'x-client-ip': FRIEND, 'true-client-ip': FRIEND, 'cf-connecting-ip': FRIEND },
    { via: `1.1 ${FRIEND}`, 'x-forwarded-host': FRIEND, host: FRIEND, origin: `https://${FRIEND}` },
  ])('%j is not believed', async (headers: Record<string, string>) => {
    worlds[0] ?? (await start({}))
    const [world] = worlds
    if (world) expect(await seenAs(world, await world.integration(), headers)).toBe('127.0.0.1')
  })

  test('a proxy that is not on the list is itself the source', async () => {
    const { world, id } = await start({ TRUSTED_PROXIES: '10.0.0.0/8' })
    expect(await seenAs(world, id, { 'x-forwarded-for': FRIEND })).toBe('127.0.0.1')
  })
})

describe('behind a trusted proxy', () => {
  let world: EdgeWorld
  let id: string
  beforeAll(async () => {
    ;({ world, id } = await start({ TRUSTED_PROXIES: '127.0.0.0/8, 10.0.0.0/8' }))
  })

  test.each([
    [FRIEND, FRIEND],
    [`${FRIEND}:4711`, FRIEND],
    [`::ffff:${FRIEND}`, FRIEND],
    [`10.1.2.3, ${FRIEND}, 10.0.0.1`, FRIEND],
    [`${FRIEND}, 198.51.100.9`, '198.51.100.9'],
    [`${FRIEND}, 198.51.100.9, 10.0.0.1`, '198.51.100.9'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['2001:DB8:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['', '400'],
    ['unknown', '400'],
    [`${FRIEND}, nonsense`, '400'],
    [`nonsense, ${FRIEND}`, FRIEND],
    ['0313.0.0.5', '400'],
  ])('X-Forwarded-For "%s" is %s', async (value, source) => {
    expect(await seenAs(world, id, { 'x-forwarded-for': value })).toBe(source)
  })

  test('several lines of the header are one list', async () => {
    expect(await seenAs(world, id, { 'x-forwarded-for': [FRIEND, '198.51.100.9'] })).toBe('198.51.100.9')
    expect(await seenAs(world, id, { 'x-forwarded-for': ['198.51.100.9', FRIEND] })).toBe(FRIEND)
  })

  test('the other headers are not believed', async () => {
    const headers = { forwarded: `for=${FRIEND}`, 'x-real-ip': FRIEND }
    expect(await seenAs(world, id, headers)).toBe('127.0.0.1')
  })

  test('no number of headers pushes the one of the proxy out of sight', async () => {
    const many = 'a:\r\n'.repeat(3_000)
    const answer = await world.raw(
      `POST /integration/${id} HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\nconnection: close\r\n${many}x-forwarded-for: 198.51.100.9\r\n\r\n`,
    )
    expect(answer).toContain("(198.51.100.9) isn't authorized")
  })

  test('the ledger has the source, not the proxy', async () => {
    await world.send(id, '{}', { 'x-forwarded-for': FRIEND })
    const [row] = await world.requests('outcome=accepted')
    expect(row).toMatchObject({ sourceIp: FRIEND })
  })
})

test.each([
  ['forwarded', `for="[2001:db8::1]:443";proto=https, for=${FRIEND}`],
  ['x-real-ip', FRIEND],
])('FORWARDED_HEADER may be %s', async (header, value) => {
  const { world, id } = await start({ TRUSTED_PROXIES: '127.0.0.1', FORWARDED_HEADER: header })
  expect(await seenAs(world, id, { [header]: value })).toBe(FRIEND)
  expect(await seenAs(world, id, { 'x-forwarded-for': FRIEND })).toBe('127.0.0.1')
})

async function startEmbedded(host: string): Promise<{ gateway: Gateway; id: string }> {
  const home = await mkdtemp(path.join(inject('scratch'), 'embedded-'))
  await copyCluster(inject('madeHome'), home)
  const settings = readSettings({ PORT: '0', HOST: host, SLUICE_HOME: home })
  const gateway = await startGateway({ settings, role: 'edge', log: pino({ level: 'silent' }) })
  const api = apiAt(`http://127.0.0.1:${gateway.port}`, gateway.adminKey)
  const shop = await api.application('shop')
  const { id } = await api.integration(shop.id, { nodes: [{ id: 'n', kind: 'transform' }] })
  return { gateway, id }
}

describe('in embedded mode', () => {
  test('this machine may send while no header says that it speaks for another', async () => {
    const { gateway, id } = await startEmbedded('127.0.0.1')
    try {
      const send = (headers: Record<string, string>) =>
        askAt(gateway.port, `/integration/${id}`, { headers, body: '{}' })
      expect(gateway.loopbackAllowed).toBe(true)
      expect(await send({})).toMatchObject(ACCEPTED)
      for (const name of [
        'x-forwarded-for',
        'forwarded',
        'x-real-ip',
        'via',
        'x-forwarded-host',
        'x-forwarded-proto',
        'cf-connecting-ip',
      ]) {
        expect([name, (await send({ [name]: '127.0.0.1' })).status]).toEqual([name, 403])
      }
    } finally {
      await gateway.close()
    }
  })

  test('it is a stranger like any other where others can reach the listener', async () => {
    const { gateway, id } = await startEmbedded('0.0.0.0')
    try {
      expect(gateway.loopbackAllowed).toBe(false)
      const { status, body } = await askAt(gateway.port, `/integration/${id}`, { body: '{}' })
      expect(status).toBe(403)
      expect(body).toContain("This domain/IP (127.0.0.1) isn't authorized on Retrieve")
    } finally {
      await gateway.close()
    }
  })

  test('outside of it this machine is a stranger like any other', async () => {
    const { world, id } = await start({ RETRIEVE_ALLOWED_LIST: '' })
    expect(world.gateway.loopbackAllowed).toBe(false)
    expect(await seenAs(world, id, {})).toBe('127.0.0.1')
  })
})
