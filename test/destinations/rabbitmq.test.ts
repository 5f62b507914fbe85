import type { Channel } from 'amqplib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '../../src/platform/ids.ts'
import { type Bench, openBench, verdictOf } from '../send/kinds/world.ts'
import { eventually } from '../world/eventually.ts'
import { startServedTls } from '../world/served-tls.ts'
import { type OwnRabbitmq, openRabbitmq, type Rabbitmq, startRabbitmq } from './rabbitmq.ts'

let server: Rabbitmq
let onlooker: Awaited<ReturnType<Rabbitmq['open']>>
let channel: Channel
let bench: Bench
let given: Given
let [queue, exchange] = ['', '']

type Given = Parameters<Bench['send']>[0] & { port: number }

function configAt({ host, port, vhost, auth, prefix }: Rabbitmq): Given {
  const routingKey = 'order.{{ event }}'
  return { kind: 'rabbitmq', host, port, vhost, tls: false, auth, exchange: `${prefix}.shop`, routingKey }
}

async function makeQueue({ prefix }: Rabbitmq, where: Channel): Promise<void> {
  await where.assertQueue(`${prefix}.orders`, { durable: true })
  await where.assertExchange(`${prefix}.shop`, 'topic', { durable: true })
  await where.bindQueue(`${prefix}.orders`, `${prefix}.shop`, 'order.#')
}

beforeAll(async () => {
  server = await openRabbitmq()
  onlooker = await server.open()
  channel = onlooker.channel
  await makeQueue(server, channel)
  given = configAt(server)
  queue = `${server.prefix}.orders`
  exchange = `${server.prefix}.shop`
})
beforeEach(async () => {
  bench = openBench([server.port], { host: server.host })
  await channel.purgeQueue(queue)
})
afterEach(() => bench.close())
afterAll(async () => {
  await channel.deleteQueue(queue)
  await channel.deleteExchange(exchange)
  await onlooker.close()
  await server.close()
})

const item = { event: 'made', n: 7 }

function next(from = channel, name = queue) {
  return eventually(async () => {
    const message = await from.get(name, { noAck: true })
    if (!message) throw new Error('there is no message')
    return message
  })
}

describe('an exchange of RabbitMQ', () => {
  test('gets a message that is confirmed, and the id of the delivery with each attempt', async () => {
    const deliveryId = newId()
    const headers = { shop: '{{ event | upcase }}' }
    for (const number of [1, 2]) {
      const sent = await bench.send({ ...given, headers }, item, { deliveryId, number })
      expect(sent.verdict).toMatchObject({ verdict: 'delivered', message: 'confirmed by the broker' })
      const { content, fields, properties } = await next()
      expect(JSON.parse(content.toString())).toEqual(item)
      expect(fields).toMatchObject({ exchange, routingKey: 'order.made' })
      expect(properties).toMatchObject({
        messageId: deliveryId,
        contentType: 'application/json',
        deliveryMode: 2,
        headers: { shop: 'MADE', 'sluice-attempt': number, 'x-deduplication-header': deliveryId },
      })
      expect(Object.fromEntries(sent.request.headers)).toMatchObject({ 'routing key': 'order.made' })
    }
  })

  test('can tell a test by a header', async () => {
    await bench.send(given, item, { isTest: true })
    expect((await next()).properties.headers).toMatchObject({ 'sluice-test': true })
  })

  test('takes a body from a template, and a queue by its name', async () => {
    const body = { template: '<n>{{ n }}</n>', contentType: 'application/xml' }
    await bench.send({ ...given, exchange: '', routingKey: queue, body }, item)
    const { content, properties } = await next()
    expect([content.toString(), properties.contentType]).toEqual(['<n>7</n>', 'application/xml'])
  })

  test('that leads to no queue ends the delivery, and nothing is lost in silence', async () => {
    const sent = await bench.send({ ...given, routingKey: 'nowhere' }, item)
    expect(verdictOf(sent)).toBe('dead unroutable')
    expect(verdictOf(await bench.send(given, item))).toBe('delivered success')
  })

  const wrong: [string, object, string][] = [
    ['an exchange that is not there', { exchange: 'nothing' }, 'dead not_found'],
    ['a vhost that is not there', { vhost: 'nothing' }, 'retry refused'],
    ['a wrong password', { auth: { username: 'shop', password: 'wrong-password' } }, 'dead unauthorized'],
    ['a field that is not there', { routingKey: '{{ nothing }}' }, 'dead unsendable'],
  ]
  test.each(wrong)('with %s says what to check', async (_name, rest, verdict) => {
    const sent = await bench.send({ ...given, ...rest }, item)
    expect(verdictOf(sent)).toBe(verdict)
    expect(sent.verdict.message).toMatch(/check the|cannot be filled in/)
    expect(JSON.stringify(sent.verdict)).not.toMatch(/wrong-password|rabbit-password/)
  })

  test('whose queue is full takes no more, and is tried again', async () => {
    const name = `${server.prefix}.small`
    await channel.assertQueue(name, { arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } })
    const small = { ...given, exchange: '', routingKey: name }
    expect(verdictOf(await bench.send(small, item))).toBe('delivered success')
    expect(verdictOf(await bench.send(small, item))).toBe('retry busy')
    await channel.deleteQueue(name)
  })

  test('over TLS is known by its certificate', async () => {
    const way = await startServedTls(server.port, server.host)
    const secure = openBench([way.port])
    const over = { ...given, port: way.port, tls: true }
    expect(verdictOf(await secure.send(over, item))).toBe('retry tls')
    for (const host of ['127.0.0.1', 'localhost'])
      expect(verdictOf(await secure.send({ ...over, host, ca: way.ca }, item))).toBe('delivered success')
    await secure.close()
    await way.close()
  })

  test('is a private address that the operator has to allow', async () => {
    const strict = openBench([])
    expect(verdictOf(await strict.send(given, item))).toBe('dead blocked_address')
    await strict.close()
  })

  test('that is away is tried again, and has what it confirmed when it is back', async () => {
    const killed = 'kill9' in server ? (server as OwnRabbitmq) : await startRabbitmq()
    const known = openBench([killed.port])
    const there = configAt(killed)
    const before = await killed.open()
    await makeQueue(killed, before.channel)
    const deliveryId = newId()
    expect(verdictOf(await known.send(there, item, { deliveryId }))).toBe('delivered success')
    await killed.kill9()
    expect(verdictOf(await known.send(there, item))).toMatch(/^retry (connect|reset)$/)
    await killed.restart()
    const after = await killed.open()
    const kept = await next(after.channel, `${killed.prefix}.orders`)
    expect(kept.properties.messageId).toBe(deliveryId)
    expect(verdictOf(await known.send(there, item))).toBe('delivered success')
    await known.close()
    if (killed === server) {
      onlooker = after
      channel = after.channel
      return
    }
    await after.close()
    await killed.close()
  })
})
