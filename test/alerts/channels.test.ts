/** The ways on which alerts are told, each against the real thing. */

import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ChannelConfig } from '../../src/alerts/alerts.ts'
import type { Road } from '../road/world.ts'
import { type MailServer, type MailServerOptions, mailCertificate, startMailServer } from './mail-server.ts'
import { CHANNEL_SECRET, type Looker, openLooker, openQuietRoad } from './world.ts'

let road: Road
let looker: Looker
const open: { close(): Promise<void> }[] = []

beforeAll(async () => {
  road = await openQuietRoad()
})
afterAll(() => road.close())
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

/** A mail server, and alerts that may reach exactly it. */
async function mailWorld(options: MailServerOptions = {}, allowed = true): Promise<MailServer> {
  const server = await startMailServer(options)
  open.push(server)
  const env = { ...road.world.env, OUTBOUND_ALLOWED: `localhost:${allowed ? server.port : 1}` }
  looker = openLooker({ ...road, world: { ...road.world, env } })
  open.push(looker)
  return server
}

const email = (port: number, more: object = {}): ChannelConfig => ({
  kind: 'email',
  host: 'localhost',
  port,
  tls: 'none',
  from: 'Sluice <sluice@shop.example>',
  to: ['ops@shop.example', 'Night shift <night@shop.example>'],
  failedAttempts: false,
  ...more,
})

function tell(config: ChannelConfig, name = 'Ops') {
  return looker.alerts.test({ name, config }, AbortSignal.timeout(20_000))
}

describe('e-mail', () => {
  test('goes to every recipient, as plain text that no machine answers', async () => {
    const server = await mailWorld()
    expect(await tell(email(server.port), 'Ops ☎\r\nBcc: all@shop.example')).toEqual({
      ok: true,
      problem: null,
    })
    const [mail] = server.mails
    expect(mail).toMatchObject({
      from: 'sluice@shop.example',
      to: ['ops@shop.example', 'night@shop.example'],
      secure: false,
    })
    expect(mail?.headers).toMatchObject({
      from: 'Sluice <sluice@shop.example>',
      to: 'ops@shop.example, Night shift <night@shop.example>',
      'auto-submitted': 'auto-generated',
      'message-id': expect.stringMatching(/^<[0-9a-f-]{36}@shop\.example>$/),
    })
    // A name is never another header.
    expect(Object.keys(mail?.headers ?? {})).not.toContain('bcc')
    expect(mail?.text).toContain('Alerts of Sluice arrive here.')
    expect(mail?.text).toContain('Ops ☎')
  })

  test.each(['starttls', 'tls'] as const)('goes over TLS with a login: %s', async (tls) => {
    const credentials = { username: 'sluice', password: 'pass word ✓' }
    const server = await mailWorld({ tls, credentials })
    const config = email(server.port, { tls, ca: mailCertificate, ...credentials })
    expect(await tell(config)).toEqual({ ok: true, problem: null })
    expect(server.mails).toEqual([expect.objectContaining({ secure: true, user: 'sluice' })])
    const wrong = await tell({ ...config, password: 'other' } as ChannelConfig)
    expect(wrong).toMatchObject({ ok: false, problem: expect.stringContaining('wrong login') })
    expect(JSON.stringify(wrong)).not.toContain('other')
  })

  test('is not sent to a server whose certificate nobody vouches for, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    for (const tls of ['starttls', 'tls'] as const) {
      const server = await mailWorld({ tls })
      expect(await tell(email(server.port, { tls }))).toMatchObject({
        ok: false,
        problem: expect.stringMatching(/certificate/),
      })
      expect(server.mails).toEqual([])
    }
    vi.unstubAllEnvs()
  })

  test('is not sent in the clear where TLS was asked for, nor without the login that was given', async () => {
    const server = await mailWorld()
    expect(await tell(email(server.port, { tls: 'starttls' }))).toMatchObject({ ok: false })
    const secure = await mailWorld({ tls: 'tls' })
    const config = { tls: 'tls', ca: mailCertificate, username: 'sluice', password: 'secret' }
    expect(await tell(email(secure.port, config))).toMatchObject({ ok: false })
    expect([...server.mails, ...secure.mails]).toEqual([])
  })

  test('does not reach a server inside that was not allowed', async () => {
    const server = await mailWorld({}, false)
    for (const host of ['localhost', '127.0.0.1', '::1', '0', '2130706433'])
      expect(await tell(email(server.port, { host }))).toMatchObject({
        ok: false,
        problem: expect.stringMatching(/is not a public address/),
      })
    expect(server.mails).toEqual([])
  })

  test('says which recipients were refused, and is sent to the others', async () => {
    const server = await mailWorld()
    server.refuse(['ops@shop.example'])
    expect(await tell(email(server.port))).toEqual({ ok: true, problem: 'refused for ops@shop.example' })
    expect(server.mails[0]?.to).toEqual(['night@shop.example'])
    server.refuse(['ops@shop.example', 'night@shop.example'])
    expect(await tell(email(server.port))).toMatchObject({ ok: false })
  })

  test('a server that is not there is told with its place', async () => {
    const server = await mailWorld()
    await server.close()
    open.splice(open.indexOf(server), 1)
    expect(await tell(email(server.port))).toMatchObject({
      ok: false,
      problem: expect.stringMatching(new RegExp(`^localhost port ${server.port}: .*ECONNREFUSED`)),
    })
  })

  test('a server that says nothing is given up when the caller does', async () => {
    await mailWorld()
    road.receiver.answerWith({ mode: 'hang' })
    const env = { ...road.world.env, OUTBOUND_ALLOWED: `127.0.0.1:${road.receiver.port}` }
    const hanging = openLooker({ ...road, world: { ...road.world, env } })
    open.push(hanging)
    const config = email(road.receiver.port, { host: '127.0.0.1' })
    const told = hanging.alerts.test({ name: 'Ops', config }, AbortSignal.timeout(200))
    expect(await told).toMatchObject({ ok: false })
    road.receiver.answerWith(200)
  })
})

describe('webhook', () => {
  test('is signed as Standard Webhooks say', async () => {
    looker = openLooker(road)
    open.push(looker)
    const config: ChannelConfig = {
      kind: 'webhook',
      url: `${road.receiver.url}/signed?a=1`,
      secret: CHANNEL_SECRET,
    }
    expect(await tell(config, 'Ops ☎')).toEqual({ ok: true, problem: null })
    const request = road.receiver.requests.find(({ url }) => url === '/signed?a=1')
    const verified = new Webhook(CHANNEL_SECRET).verify(
      request?.body.toString() ?? '',
      request?.headers as Record<string, string>,
    )
    expect(verified).toMatchObject({
      type: 'test',
      timestamp: expect.any(String),
      data: { test: true, subject: '[Sluice] Test of the alert channel "Ops ☎"' },
    })
    expect(request?.headers['content-type']).toBe('application/json')
  })

  test('anything but 2xx is a failure, with what was said', async () => {
    looker = openLooker(road)
    open.push(looker)
    const config: ChannelConfig = {
      kind: 'webhook',
      url: `${road.receiver.url}/refusing`,
      secret: CHANNEL_SECRET,
    }
    road.receiver.answerWith({ status: 410, body: 'no\nsuch\tchannel' })
    expect(await tell(config)).toEqual({ ok: false, problem: 'answered 410: no such channel' })
    road.receiver.answerWith({ mode: 'redirect', location: 'http://127.0.0.1/' })
    expect(await tell(config)).toEqual({ ok: false, problem: 'answered 302' })
    road.receiver.answerWith({ mode: 'reset' })
    expect(await tell(config)).toMatchObject({ ok: false })
    road.receiver.answerWith(200)
    const inside = { ...config, url: 'http://169.254.169.254/latest' } as ChannelConfig
    expect(await tell(inside)).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/is not a public address/),
    })
  })
})

describe('Slack', () => {
  test('gets text in which nothing calls anybody or hides an address', async () => {
    looker = openLooker(road)
    open.push(looker)
    const config: ChannelConfig = { kind: 'slack', url: `${road.receiver.url}/slack` }
    expect(await tell(config, '<!channel> <https://evil.example|shop> & co')).toMatchObject({ ok: true })
    const request = road.receiver.requests.find(({ url }) => url === '/slack')
    const body = JSON.parse(request?.body.toString() ?? '')
    expect(Object.keys(body)).toEqual(['text'])
    expect(body.text).toContain('&lt;!channel&gt; &lt;https://evil.example|shop&gt; &amp; co')
    expect(body.text).not.toMatch(/[<>]/)
  })
})
