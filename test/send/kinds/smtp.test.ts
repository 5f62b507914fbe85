import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { newId } from '../../../src/platform/ids.ts'
import {
  type MailServer,
  type MailServerOptions,
  mailCertificate,
  startMailServer,
} from '../../alerts/mail-server.ts'
import { type Bench, openBench, verdictOf } from './world.ts'

let server: MailServer
let bench: Bench

async function open(options: MailServerOptions = {}) {
  server = await startMailServer(options)
  bench = openBench([server.port])
  return {
    kind: 'smtp' as const,
    host: '127.0.0.1',
    port: server.port,
    tls: options.tls ?? 'none',
    from: 'A shop <shop@example.com>',
    to: ['{{ email }}'],
    subject: 'Order {{ n }}',
  }
}

beforeEach(() => {
  bench = openBench([])
})
afterEach(async () => {
  await bench.close()
  await server?.close()
})

const item = { email: 'anna@example.org', n: 7, note: '<b>"fast" & cheap</b>' }

test('a mail is made from templates, and each attempt of a delivery has the same id', async () => {
  const given = await open()
  const rest = {
    text: 'Note: {{ note }}',
    html: '<p title="{{ note }}">{{ n }}</p>',
    cc: ['boss@example.com'],
  }
  const deliveryId = newId()
  const sent = await bench.send({ ...given, ...rest }, item, { deliveryId })
  expect(verdictOf(sent)).toBe('delivered success')
  expect(sent.came).toMatch(/^250/)
  await bench.send({ ...given, ...rest }, item, { deliveryId, number: 2 })
  const [first, second] = await server.received(2)
  expect(first).toMatchObject({ from: 'shop@example.com', to: ['anna@example.org', 'boss@example.com'] })
  expect(first?.headers).toMatchObject({
    subject: 'Order 7',
    'message-id': `<${deliveryId}@example.com>`,
    'auto-submitted': 'auto-generated',
  })
  expect(first?.text).toContain('Note: <b>"fast" & cheap</b>')
  expect(first?.text).toContain('title="&lt;b&gt;&quot;fast&quot; &amp; cheap&lt;/b&gt;"')
  expect(second?.headers['message-id']).toBe(first?.headers['message-id'])
  expect(Object.fromEntries(sent.request.headers)).toMatchObject({
    to: 'anna@example.org',
    subject: 'Order 7',
  })
})

test('a test is told by its subject and a header', async () => {
  const given = await open()
  await bench.send(given, item, { isTest: true })
  const [mail] = await server.received(1)
  expect(mail?.headers).toMatchObject({ subject: '[test] Order 7', 'sluice-test': 'true' })
})

test('without text and html the item is sent as JSON', async () => {
  const given = await open()
  await bench.send(given, { ...item, n: 12345678901234567890n })
  const [mail] = await server.received(1)
  expect(JSON.parse(mail?.text ?? '')).toMatchObject({ email: 'anna@example.org' })
  expect(mail?.text).toContain('12345678901234567890')
})

test('no field adds a recipient or a header', async () => {
  const given = await open()
  for (const email of [
    'a@example.org, b@example.org',
    'a@example.org\r\nBcc: b@example.org',
    '<a@example.org> b@example.org',
    '',
  ])
    expect(verdictOf(await bench.send(given, { ...item, email }))).toBe('dead unsendable')
  const subject = 'Note {{ note }}'
  await bench.send({ ...given, subject }, { ...item, note: 'x\r\nBcc: b@example.org' })
  const [mail] = await server.received(1)
  expect(server.mails).toHaveLength(1)
  expect(mail?.to).toEqual(['anna@example.org'])
  expect(mail?.headers).toMatchObject({ subject: 'Note x Bcc: b@example.org' })
  expect(mail?.headers).not.toHaveProperty('bcc')
})

test('a login is shown over TLS only where TLS is asked for, to a server that is known', async () => {
  const credentials = { username: 'shop', password: 'smtp-password' }
  for (const tls of ['starttls', 'tls'] as const) {
    const given = { ...(await open({ tls, credentials })), auth: credentials }
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    expect(verdictOf(await bench.send(given, item))).toBe('retry tls')
    vi.unstubAllEnvs()
    const known = { ...given, ca: mailCertificate }
    const sent = await bench.send(known, item)
    expect(verdictOf(sent)).toBe('delivered success')
    expect(server.mails).toMatchObject([{ secure: true, user: 'shop' }])
    const wrong = await bench.send({ ...known, auth: { ...credentials, password: 'wrong-password' } }, item)
    expect(verdictOf(wrong)).toBe('dead unauthorized')
    expect(wrong.verdict.message).not.toContain('wrong-password')
    await bench.close()
    await server.close()
  }
  const given = await open({ tls: 'none', credentials })
  expect(verdictOf(await bench.send({ ...given, tls: 'starttls', auth: credentials }, item))).toBe(
    'retry tls',
  )
  expect(server.mails).toEqual([])
})

test('a recipient that is refused ends the delivery, and those who have the mail do not get it again', async () => {
  const given = { ...(await open()), cc: ['boss@example.com'] }
  server.refuse(['boss@example.com'])
  const sent = await bench.send(given, item)
  expect(verdictOf(sent)).toBe('delivered success')
  expect(sent.came).toContain('refused for boss@example.com')
  server.refuse(['boss@example.com', 'anna@example.org'])
  const refused = await bench.send(given, item)
  expect(verdictOf(refused)).toBe('dead not_found')
})

test('a server that is away is tried again, and a private address is refused unless allowed', async () => {
  const given = await open()
  await server.close()
  expect(verdictOf(await bench.send(given, item))).toBe('retry connect')
  server = await startMailServer({ port: given.port })
  expect(verdictOf(await bench.send(given, item))).toBe('delivered success')
  const strict = openBench([])
  expect(verdictOf(await strict.send(given, item))).toBe('dead blocked_address')
  await strict.close()
})
