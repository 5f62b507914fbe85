/** Tilby's way: a mail for every failed attempt with the body of the request, and a last one when tries run out. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../world/eventually.ts'
import { startTestGateway, type TestGateway } from '../world/gateway.ts'
import { type Receiver, receiverCertificate, startReceiver } from '../world/receiver.ts'
import { type MailServer, type ReceivedMail, startMailServer } from './mail-server.ts'
import { created } from './world.ts'

let world: TestGateway
let receiver: Receiver
let shop: string
let mail: MailServer

beforeAll(async () => {
  mail = await startMailServer({ tls: 'starttls' })
  receiver = await startReceiver()
  const allowed = [`127.0.0.1:${receiver.port}`, `localhost:${mail.port}`]
  world = await startTestGateway({ env: { ALERT_SECONDS: '1', OUTBOUND_ALLOWED: allowed.join(',') } })
  shop = (await world.api.application('shop')).id
})
afterAll(async () => {
  await world.close()
  await receiver.close()
  await mail.close()
})

const TWICE = { retry: { kind: 'fixed', delayMs: 1_000, triesMax: 2 } }

async function destination(path: string, config: object = {}): Promise<string> {
  const url = `${receiver.url}${path}`
  const name = `ERP ${path}`
  const body = { applicationId: shop, name, config: { kind: 'http', url, ...TWICE, ...config } }
  return (await created(world, '/destinations', body)).id
}

async function channel(more: object, config: object = {}): Promise<string> {
  const email = {
    kind: 'email',
    host: 'localhost',
    port: mail.port,
    ca: receiverCertificate,
    from: 'sluice@shop.example',
    failedAttempts: true,
    ...config,
  }
  return (await created(world, '/alert-channels', { name: 'mail', config: email, ...more })).id
}

const integration = async (nodes: object[]): Promise<string> =>
  (await world.api.integration(shop, { nodes })).id

const mailsTo = (address: string): ReceivedMail[] => mail.mails.filter(({ to }) => to.includes(address))

test('each failed attempt is told with the request, the last one as the last, and only to those who asked', async () => {
  const [failing, other] = [await destination('/failing?token=hide'), await destination('/other')]
  receiver.answerWith(({ url }) => (url.startsWith('/failing') ? 503 : 200))
  await channel({ destinations: [failing], conditions: ['silence'] }, { to: ['erp@shop.example'] })
  await channel({ destinations: [other] }, { to: ['other@shop.example'] })
  await channel({ conditions: ['silence'] }, { to: ['plain@shop.example'], failedAttempts: false })
  const orders = await integration([{ id: 'push', kind: 'push', destination: failing }])
  const others = await integration([{ id: 'other', kind: 'push', destination: other }])
  await world.send(others, '{"order":"other"}')
  await world.send(orders, '{"order":820982911946154508,"name":"Zoë"}')
  const event = await world.api.eventIn(orders, 'dead')
  await eventually(() => expect(mailsTo('erp@shop.example')).toHaveLength(2))
  const [first, last] = mailsTo('erp@shop.example')
  expect(first?.headers.subject).toBe('[Sluice] Attempt 1 of a delivery to "ERP /failing?token=hide" failed')
  expect(first?.secure).toBe(true)
  for (const text of [
    'server_error: the destination answered 503',
    '{"order":820982911946154508,"name":"Zoë"}',
    `Event: ${event.id}`,
    'Next try: 2',
    '/failing?token=***',
  ])
    expect(first?.text).toContain(text)
  expect(last?.headers.subject).toBe('[Sluice] A delivery to "ERP /failing?token=hide" reached its last try')
  expect(last?.text).toContain('{"order":820982911946154508,"name":"Zoë"}')
  expect(last?.text).toContain('It is not tried again by itself.')
  await world.api.eventIn(others, 'delivered')
  expect(mailsTo('other@shop.example')).toEqual([])
  expect(mailsTo('plain@shop.example')).toEqual([])
})

test('a flood of failures leaves no more mails waiting than anybody would read', async () => {
  const flooded = await destination('/flooded', {
    retry: { kind: 'fixed', delayMs: 1_000, triesMax: 1 },
    circuit: false,
  })
  receiver.answerWith(({ url }) => (url === '/flooded' ? 500 : 200))
  // Nobody is there to take the mails.
  const id = await channel(
    { destinations: [flooded] },
    { to: ['flood@shop.example'], host: '127.0.0.1', port: 1 },
  )
  const orders = await integration([{ id: 'push', kind: 'push', destination: flooded }])
  const many = JSON.stringify(Array.from({ length: 250 }, (_, order) => ({ order })))
  await world.send(orders, many)
  await eventually(async () => {
    const dead = await world.api.events(`?integrationId=${orders}&status=dead`)
    expect(dead).toHaveLength(1)
  }, 30_000)
  const { standing } = (await world.api.call('GET', `/alert-channels/${id}`)).body
  expect(standing.waiting).toBeGreaterThanOrEqual(200)
  expect(standing.waiting).toBeLessThan(250)
})
