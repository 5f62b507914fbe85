import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { newId } from '../../../src/platform/ids.ts'
import { redisIdentitiesOf } from '../../../src/platform/redis.ts'
import { type RedisServer, startRedis } from '../../world/redis.ts'
import { startServedTls } from '../../world/served-tls.ts'
import { type Bench, openBench, verdictOf } from './world.ts'

let server: RedisServer
let redis: Redis
let bench: Bench
let given: { kind: 'redis'; host: string; port: number; tls: boolean; auth: object; stream: string } & Record<
  string,
  unknown
>

/** Nobody may do anything, but for one. */
const USERS = [
  ...['--user', 'default', 'on', 'nopass', '-@all', '+ping'],
  ...['--user', 'shop', 'on', '>redis-password', '~*', '&*', '+@all'],
]

beforeAll(async () => {
  server = await startRedis({ args: [...USERS, '--repl-diskless-sync-delay', '0'] })
  redis = new Redis(server.url, { username: 'shop', password: 'redis-password' })
  redis.on('error', () => {})
  given = {
    kind: 'redis',
    host: '127.0.0.1',
    port: server.port,
    tls: false,
    auth: { username: 'shop', password: 'redis-password' },
    stream: 'orders:{{ shop }}',
  }
})
beforeEach(async () => {
  bench = openBench([server.port])
  await redis.flushall()
})
afterEach(() => bench.close())
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

const item = { shop: 'north', n: 1 }

describe('a stream in Redis', () => {
  test('gets an entry with the id of the delivery, the whole item unless told otherwise', async () => {
    const deliveryId = newId()
    const sent = await bench.send(given, item, { deliveryId })
    expect(verdictOf(sent)).toBe('delivered success')
    const [[id, fields] = ['', []]] = await redis.xrange('orders:north', '-', '+')
    expect(fields).toEqual(['delivery_id', deliveryId, 'item', '{"shop":"north","n":1}'])
    expect(sent.came).toBe(`added as ${id}`)
    expect(sent.request).toMatchObject({ method: 'XADD', url: expect.stringMatching(/\/0\/orders:north$/) })
  })

  test('gets fields by path and by template', async () => {
    const fields = { number: 'n', text: { template: '{{ shop | upcase }} {{ n }}' } }
    await bench.send({ ...given, fields, idField: 'id' }, item)
    const [[, entry] = ['', []]] = await redis.xrange('orders:north', '-', '+')
    expect(entry).toEqual(['id', expect.any(String), 'number', '1', 'text', 'NORTH 1'])
  })

  test('can tell a test by a field of its own', async () => {
    await bench.send(given, item, { isTest: true })
    const [[, entry] = ['', []]] = await redis.xrange('orders:north', '-', '+')
    expect(entry.slice(-2)).toEqual(['sluice_test', 'true'])
  })

  test('gets one entry for a delivery, however often it comes and even at the same moment', async () => {
    const deliveryId = newId()
    const sent = await Promise.all(Array.from({ length: 6 }, () => bench.send(given, item, { deliveryId })))
    expect(sent.filter(({ came }) => came.startsWith('added as'))).toHaveLength(1)
    expect(sent.map(verdictOf)).toEqual(Array.from({ length: 6 }, () => 'delivered success'))
    expect(await redis.xlen('orders:north')).toBe(1)
    const [memory = ''] = await redis.keys('sluice:*')
    expect(memory).toBe(`sluice:{orders:north}:${deliveryId}`)
    expect(await redis.ttl(memory)).toBeGreaterThan(600_000)
  })

  test('keeps about as many entries as it is told', async () => {
    for (let n = 0; n < 250; n++) await bench.send({ ...given, lengthMax: 100 }, item)
    expect(await redis.xlen('orders:north')).toBeLessThan(210)
  })

  test('that has another kind of value ends the delivery, and leaves nothing behind', async () => {
    await redis.set('orders:north', 'a text')
    const sent = await bench.send(given, item)
    expect(verdictOf(sent)).toBe('dead not_found')
    expect(sent.verdict.message).toContain('no stream')
    expect(await redis.keys('sluice:*')).toEqual([])
  })

  test('in a full Redis is tried again, and nothing is half done', async () => {
    await redis.config('SET', 'maxmemory', '1')
    expect(verdictOf(await bench.send(given, item))).toBe('retry busy')
    await redis.config('SET', 'maxmemory', '0')
    expect(await redis.keys('*')).toEqual([])
  })

  test.each([
    ['a wrong password', { auth: { username: 'shop', password: 'wrong-password' } }],
    ['no password', { auth: undefined }],
    ['a wrong user', { auth: { username: 'nobody', password: 'redis-password' } }],
  ])('with %s ends the delivery, and shows no secret', async (_name, rest) => {
    const sent = await bench.send({ ...given, ...rest }, item)
    expect(verdictOf(sent)).toBe('dead unauthorized')
    expect(JSON.stringify([sent.verdict, sent.request.headers, sent.request.url])).not.toMatch(
      /wrong-password|redis-password/,
    )
  })

  test('that is away is tried again, and gets what it has not when it is back', async () => {
    const kept = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    const other = openBench([kept.port])
    const there = { ...given, port: kept.port, auth: undefined }
    const deliveryId = newId()
    expect((await other.send(there, item, { deliveryId })).came).toMatch(/^added/)
    await kept.kill9()
    expect(verdictOf(await other.send(there, item, { deliveryId, number: 2 }))).toMatch(
      /^retry (connect|reset)$/,
    )
    await kept.restart()
    const again = await other.send(there, item, { deliveryId, number: 3 })
    expect(again.came).toMatch(/^delivered before/)
    const onlooker = new Redis(kept.url)
    expect(await onlooker.xlen('orders:north')).toBe(1)
    onlooker.disconnect()
    await other.close()
    await kept.stop()
  })

  test('over TLS is known by its certificate', async () => {
    const way = await startServedTls(server.port)
    const secure = openBench([way.port])
    const over = { ...given, port: way.port, tls: true, host: '127.0.0.1' }
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    expect(verdictOf(await secure.send(over, item))).toBe('retry tls')
    vi.unstubAllEnvs()
    expect(verdictOf(await secure.send({ ...over, ca: way.ca }, item))).toBe('delivered success')
    await secure.close()
    await way.close()
  })
})

describe('what is never written to', () => {
  test('is the Redis of Sluice itself', async () => {
    const own = { postgres: async () => '', redis: () => redisIdentitiesOf(redis) }
    const ours = openBench([server.port], { own })
    expect(verdictOf(await ours.send({ ...given, db: 3 }, item))).toBe('dead own_server')
    await ours.close()
    expect(await redis.info('keyspace')).not.toContain('db3')
  })

  test('nor a copy of it', async () => {
    const copy = await startRedis({
      args: [
        '--replicaof',
        '127.0.0.1',
        String(server.port),
        '--masteruser',
        'shop',
        '--masterauth',
        'redis-password',
      ],
    })
    const there = new Redis(copy.url)
    // It takes the name of its master when it has loaded what that sent.
    await expect.poll(() => there.info('replication')).toContain('master_link_status:up')
    there.disconnect()
    const own = { postgres: async () => '', redis: () => redisIdentitiesOf(redis) }
    const ours = openBench([copy.port], { own })
    expect(verdictOf(await ours.send({ ...given, port: copy.port, auth: undefined }, item))).toBe(
      'dead own_server',
    )
    await ours.close()
    await copy.stop()
  })

  test('nor a private address that the operator has not allowed', async () => {
    const strict = openBench([])
    expect(verdictOf(await strict.send(given, item))).toBe('dead blocked_address')
    await strict.close()
  })
})
