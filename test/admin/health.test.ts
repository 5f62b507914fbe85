import { afterEach, describe, expect, test } from 'vitest'
import { findFreePort } from '../../src/platform/embedded-postgres/free-port.ts'
import { createMetrics } from '../../src/platform/metrics.ts'
import { eventually } from '../world/eventually.ts'
import { startTestGateway, type TestGateway } from '../world/gateway.ts'
import { startPostgres } from '../world/postgres.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'
import { startRedis } from '../world/redis.ts'

const closers: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closer of closers.splice(0).reverse()) await closer.close()
})

async function open(options: Parameters<typeof startTestGateway>[0]): Promise<TestGateway> {
  const world = await startTestGateway(options)
  closers.push(world)
  return world
}

async function receiver(): Promise<Receiver> {
  const started = await startReceiver()
  closers.push(started)
  return started
}

async function ask(url: string, path: string) {
  const response = await fetch(url + path)
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  return { status: response.status, body: isJson ? JSON.parse(text) : text }
}

describe('health', () => {
  test('is up when all is well', async () => {
    const { url } = await open({ queue: 'bullmq' })
    expect(await ask(url, '/health/live')).toEqual({ status: 200, body: { status: 'up' } })
    await eventually(async () =>
      expect(await ask(url, '/health/ready')).toMatchObject({
        status: 200,
        body: { status: 'up', parts: { database: { status: 'up' }, queue: { status: 'up' } } },
      }),
    )
  })

  test('is degraded while Redis is away, webhooks are taken all the same, and well again afterwards', async () => {
    const redis = await startRedis()
    closers.push({ close: redis.stop })
    const { url, api, send } = await open({ env: { REDIS_URL: redis.url, REDIS_PREFIX: 'test' } })
    const { id } = await api.integration((await api.application('shop')).id, {
      nodes: [{ id: 'map', kind: 'transform' }],
    })
    await redis.kill9()
    await eventually(async () =>
      expect(await ask(url, '/health/ready')).toMatchObject({
        status: 200,
        body: { status: 'degraded', parts: { queue: { status: 'degraded', detail: expect.any(String) } } },
      }),
    )
    expect((await send(id, '{}')).status).toBe(200)
    await redis.restart()
    await eventually(async () => expect((await ask(url, '/health/ready')).body.status).toBe('up'))
  })

  test('is down while PostgreSQL is away and no journal stands in for it: not ready, but alive', async () => {
    const postgres = await startPostgres()
    closers.push({ close: postgres.stop })
    const { url, api } = await open({ databaseUrl: postgres.url, env: { JOURNAL_BYTES_MAX: '0' } })
    await postgres.kill9()
    await eventually(async () =>
      expect(await ask(url, '/health/ready')).toMatchObject({
        status: 503,
        body: { status: 'down', parts: { database: { status: 'down' }, definitions: { status: 'up' } } },
      }),
    )
    expect((await ask(url, '/health/live')).status).toBe(200)
    expect(await api.call('GET', '/events')).toMatchObject({
      status: 503,
      body: { title: 'The database is away' },
    })
    await postgres.restart()
    await eventually(async () => expect((await ask(url, '/health/ready')).status).toBe(200))
  })
})

describe('metrics', () => {
  test('name everything that is measured, with values that fit what happened', async () => {
    const target = await receiver()
    const { url, api, send } = await open({ env: { OUTBOUND_ALLOWED: `127.0.0.1:${target.port}` } })
    const shop = await api.application('shop')
    await api.rewriteFunction(shop.id, 'pass', 'return { jobStatus: 1, data: job.data.data }')
    const destination = await api.destination(shop.id, target.url)
    const { id } = await api.integration(shop.id, {
      nodes: [{ id: 'push', kind: 'push', destination: destination.id, function: 'pass' }],
    })
    for (const n of [1, 2, 3]) expect((await send(id, `{"n":${n}}`)).status).toBe(200)
    expect((await send(id, 'no JSON')).status).toBe(400)
    await target.received(3)

    const expected = await createMetrics().registry.getMetricsAsJSON()
    expect(expected.length).toBeGreaterThan(8)
    await eventually(async () => {
      const text: string = (await ask(url, '/metrics')).body
      for (const { name, help } of expected) {
        expect(text).toContain(`# HELP ${name} ${help}`)
      }
      expect(valueIn(text, 'sluice_requests_total{outcome="accepted"}')).toBe(3)
      expect(sumIn(text, 'sluice_requests_total')).toBe(4)
      expect(sumIn(text, 'sluice_ack_seconds_count')).toBe(4)
      expect(sumIn(text, 'sluice_runs_total')).toBe(3)
      expect(sumIn(text, 'sluice_attempts_total')).toBe(3)
      expect(valueIn(text, 'sluice_attempts_total{verdict="delivered"}')).toBe(3)
      expect(sumIn(text, 'sluice_sandbox_seconds_count')).toBe(3)
      expect(valueIn(text, 'sluice_receipt_to_delivery_seconds_count')).toBe(3)
      expect(valueIn(text, 'sluice_receipt_to_delivery_seconds_sum')).toBeLessThan(30)
      for (const state of ['waiting', 'delayed', 'active']) {
        expect(valueIn(text, `sluice_queue_jobs{state="${state}"}`)).toBe(0)
      }
      for (const kind of ['run', 'delivery']) {
        expect(valueIn(text, `sluice_oldest_waiting_seconds{kind="${kind}"}`)).toBe(0)
      }
      expect(valueIn(text, 'sluice_pending_bytes')).toBe(0)
    })
  })
})

test('metrics leave out what nobody can know while PostgreSQL is away, and have it again afterwards', async () => {
  const postgres = await startPostgres()
  closers.push({ close: postgres.stop })
  const { url } = await open({ databaseUrl: postgres.url, role: 'worker' })
  const ofDatabase = /^sluice_(?:oldest_waiting_seconds|incidents_open)\{/m
  expect((await ask(url, '/metrics')).body).toMatch(ofDatabase)
  await postgres.kill9()
  await eventually(async () => expect((await ask(url, '/health/ready')).status).toBe(503))
  const meanwhile: string = (await ask(url, '/metrics')).body
  expect(meanwhile).not.toMatch(ofDatabase)
  expect(sumIn(meanwhile, 'sluice_queue_jobs')).toBe(0)
  await postgres.restart()
  await eventually(async () => expect((await ask(url, '/metrics')).body).toMatch(ofDatabase))
})

test('metrics tell how much waits, and how long the oldest has waited', async () => {
  const { url, api, send } = await open({ role: 'edge', queue: 'bullmq' })
  const { id } = await api.integration((await api.application('shop')).id, {
    nodes: [{ id: 'map', kind: 'transform' }],
  })
  for (const n of [1, 2, 3]) expect((await send(id, `{"n":${n}}`)).status).toBe(200)
  await eventually(async () => {
    const text: string = (await ask(url, '/metrics')).body
    expect(valueIn(text, 'sluice_queue_jobs{state="waiting"}')).toBe(3)
    expect(valueIn(text, 'sluice_oldest_waiting_seconds{kind="run"}')).toBeGreaterThan(0)
    expect(valueIn(text, 'sluice_oldest_waiting_seconds{kind="delivery"}')).toBe(0)
  })
})

describe('the doors', () => {
  test('HOST is the one address that it listens on', async () => {
    const { url } = await open({ env: { HOST: '127.0.0.2' } })
    const elsewhere = `http://127.0.0.2:${new URL(url).port}`
    expect((await ask(elsewhere, '/health/live')).status).toBe(200)
    await expect(ask(url, '/health/live')).rejects.toThrow('fetch failed')
  })

  test('ADMIN_PORT moves everything but webhooks', async () => {
    const world = await open({ env: { ADMIN_PORT: String(await findFreePort()) } })
    const { adminPort } = world.gateway
    const admin = `http://127.0.0.1:${adminPort}`
    const { id } = await world.api.integration((await world.api.application('shop')).id, {
      nodes: [{ id: 'map', kind: 'transform' }],
    })
    expect((await world.send(id, '{}')).status).toBe(200)
    for (const path of ['/health/live', '/health/ready', '/metrics', '/api/v1/openapi.json']) {
      expect([path, (await ask(admin, path)).status]).toEqual([path, 200])
      expect([path, (await ask(world.url, path)).status]).toEqual([path, 404])
    }
    const elsewhere = await fetch(`${admin}/integration/${id}`, { method: 'POST', body: '{}' })
    expect(elsewhere.status).toBe(404)
  })

  test('a worker answers for its health and its metrics only', async () => {
    const { url } = await open({ role: 'worker', queue: 'bullmq' })
    for (const path of ['/health/live', '/health/ready', '/metrics']) {
      await eventually(async () => expect([path, (await ask(url, path)).status]).toEqual([path, 200]))
    }
    for (const path of ['/api/v1/openapi.json', '/api/v1/events', '/tls/ask?domain=x', '/integration/abc']) {
      expect([path, (await ask(url, path)).status]).toEqual([path, 404])
    }
  })

  test('/tls/ask knows the host names of applications and no others, and asks for no key', async () => {
    const { url, api } = await open({ env: { BASE_DOMAIN: 'Hooks.Example' } })
    await api.application('shop')
    const statusOf = async (query: string) => (await ask(url, `/tls/ask${query}`)).status
    expect(await statusOf('?domain=webhook-shop.hooks.example')).toBe(200)
    expect(await statusOf('?domain=WEBHOOK-SHOP.hooks.example')).toBe(200)
    for (const domain of [
      'webhook-other.hooks.example',
      'shop.hooks.example',
      'hooks.example',
      'webhook-shop.hooks.example.attacker.example',
      'webhook-shop.other.example',
      'a.webhook-shop.hooks.example',
      '127.0.0.1',
      'x'.repeat(5_000),
      '',
    ]) {
      expect([domain, await statusOf(`?domain=${domain}`)]).toEqual([domain, 404])
    }
    expect(await statusOf('')).toBe(404)
  })

  test('without BASE_DOMAIN no host name is ours', async () => {
    const { url, api } = await open({})
    await api.application('shop')
    expect((await ask(url, '/tls/ask?domain=webhook-shop.')).status).toBe(404)
    expect((await ask(url, '/tls/ask?domain=127.0.0.1')).status).toBe(404)
  })
})

function valueIn(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length))
}

function sumIn(text: string, name: string): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}
