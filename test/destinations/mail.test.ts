import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '../../src/platform/ids.ts'
import { type Bench, openBench, verdictOf } from '../send/kinds/world.ts'
import { type MailProgram, startMailProgram } from './mail.ts'

let server: MailProgram
let bench: Bench
let given: Parameters<Bench['send']>[0]

beforeAll(async () => {
  server = await startMailProgram({ bytesMax: 100_000 })
  given = {
    kind: 'smtp',
    host: 'localhost',
    port: server.port,
    tls: 'starttls',
    ca: server.ca,
    from: 'A shop <shop@example.com>',
    to: ['{{ email }}'],
    subject: 'Order {{ n }} of {{ name }}',
    text: '{{ note }}',
  }
})
beforeEach(() => {
  bench = openBench([server.port])
})
afterEach(() => bench.close())
afterAll(() => server.close())

const item = { email: 'anna@example.org', n: 7, name: 'Zoë ☎', note: 'short' }

async function mailsOf(deliveryId: string) {
  return (await server.mails()).filter(({ headers }) => headers['message-id']?.includes(deliveryId))
}

describe('a mail server', () => {
  test('gets every letter, dot and long line, and the same id with each attempt', async () => {
    const deliveryId = newId()
    const note = `.\r\n..two dots\r\n${'long '.repeat(500)}\r\n.\r\nZoë ☎ €`
    for (const number of [1, 2]) {
      const sent = await bench.send(given, { ...item, note }, { deliveryId, number })
      expect(verdictOf(sent)).toBe('delivered success')
    }
    const mails = await mailsOf(deliveryId)
    expect(mails).toHaveLength(2)
    for (const { headers, text } of mails) {
      expect(headers).toMatchObject({
        subject: 'Order 7 of Zoë ☎',
        to: 'anna@example.org',
        'x-mailfrom': 'shop@example.com',
        'x-rcptto': 'anna@example.org',
      })
      expect(text.trimEnd()).toBe(note)
    }
  })

  test('is not spoken to in the clear, nor under a certificate that nobody vouches for', async () => {
    const deliveryId = newId()
    const { ca: _, ...unknown } = given as typeof given & { ca: string }
    expect(verdictOf(await bench.send(unknown, item, { deliveryId }))).toBe('retry tls')
    const clear = await bench.send({ ...unknown, tls: 'none' }, item, { deliveryId })
    expect(clear.verdict).toMatchObject({ verdict: 'dead', message: expect.stringMatching(/STARTTLS/) })
    expect(await mailsOf(deliveryId)).toEqual([])
  })

  test('that takes no mail of this size ends the delivery', async () => {
    const sent = await bench.send(given, { ...item, note: 'x'.repeat(200_000) })
    expect(verdictOf(sent)).toBe('dead bad_payload')
    expect(sent.verdict.message).toMatch(/552/)
  })

  test('that is away is tried again, and gets the mail when it is back', async () => {
    const deliveryId = newId()
    await server.kill9()
    expect(verdictOf(await bench.send(given, item, { deliveryId }))).toBe('retry connect')
    await server.restart()
    expect(verdictOf(await bench.send(given, item, { deliveryId, number: 2 }))).toBe('delivered success')
    expect(await mailsOf(deliveryId)).toHaveLength(1)
  })
})
