import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { covers } from '../../src/alerts/channels.ts'
import { newId } from '../../src/platform/ids.ts'
import { mailCertificate, startMailServer } from '../alerts/mail-server.ts'
import { CHANNEL_SECRET, openLooker, openQuietRoad } from '../alerts/world.ts'
import type { Road } from '../road/world.ts'

let road: Road
let orders: string
let erp: string

beforeAll(async () => {
  road = await openQuietRoad()
  erp = await road.destination('/erp')
  orders = await road.integration([{ id: 'push', kind: 'push', destination: erp }])
})
afterAll(() => road.close())

const call = (method: string, path: string, body?: object) => road.api.call(method, path, body)
const email = (more: object = {}) => ({
  kind: 'email',
  host: 'mail.example',
  from: 'sluice@shop.example',
  to: ['ops@shop.example'],
  username: 'sluice',
  password: 'the password',
  ...more,
})
const webhook = (more: object = {}) => ({
  kind: 'webhook',
  url: 'https://ops.example/alerts',
  secret: CHANNEL_SECRET,
  ...more,
})

async function faultsOf(path: string, body: object): Promise<string[]> {
  const answer = await call('POST', path, body)
  expect(answer.status).toBe(400)
  return answer.body.errors.map((one: { path: string; message: string }) => `${one.path}: ${one.message}`)
}

describe('alert channels', () => {
  test('are made, read, listed, changed and deleted, and show no secret', async () => {
    const made = await call('POST', '/alert-channels', { name: 'Ops', config: email() })
    expect(made.status).toBe(201)
    expect(made.body).toEqual({
      id: made.body.id,
      applicationId: null,
      name: 'Ops',
      enabled: true,
      config: email({ password: '***', port: 587, tls: 'starttls', failedAttempts: false }),
      conditions: [],
      applications: [],
      integrations: [],
      destinations: [],
      standing: { waiting: 0, lastSentAt: null, problem: null },
    })
    const { id } = made.body
    expect((await call('GET', `/alert-channels/${id}`)).body).toEqual(made.body)
    const slack = await call('POST', '/alert-channels', {
      name: 'chat',
      config: { kind: 'slack', url: 'https://hooks.slack.com/services/T0/B0/secret' },
      applications: [road.shop],
      destinations: [erp],
    })
    expect(slack.body.config).toEqual({ kind: 'slack', url: '***' })
    expect((await call('GET', '/alert-channels')).body.items).toHaveLength(2)
    expect((await call('GET', `/alert-channels?applicationId=${road.shop}`)).body.items).toEqual([])
    const changed = await call('PATCH', `/alert-channels/${id}`, { name: 'Night', conditions: ['backlog'] })
    expect(changed.body).toMatchObject({ name: 'Night', conditions: ['backlog'] })
    for (const one of [id, slack.body.id])
      expect((await call('DELETE', `/alert-channels/${one}`)).status).toBe(204)
    expect((await call('GET', `/alert-channels/${id}`)).status).toBe(404)
    expect((await call('DELETE', '/alert-channels/nothing')).status).toBe(404)
  })

  test('are kept sealed, and keep a secret that a change gives as it is shown', async () => {
    const { body } = await call('POST', '/alert-channels', { name: 'Ops', config: email() })
    const looker = openLooker(road)
    const stored = async () => (await looker.alerts.channel(body.id))?.config
    const [row] = await looker.sql`SELECT config FROM alert_channels WHERE id = ${body.id}`
    expect(row?.config).not.toContain('the password')
    expect(row?.config).toContain('"password":"sealed:')
    await call('PATCH', `/alert-channels/${body.id}`, {
      config: email({ password: '***', to: ['a@b.example'] }),
    })
    expect(await stored()).toMatchObject({ password: 'the password', to: ['a@b.example'] })
    // Nobody has it sent to a server of his own.
    const stolen = await call('PATCH', `/alert-channels/${body.id}`, {
      config: email({ password: '***', host: 'evil.example' }),
    })
    expect(stolen.body.errors).toEqual([
      {
        path: 'config.password',
        message: 'there is no secret here to keep, or its server was changed: give it',
      },
    ])
    expect(await stored()).toMatchObject({ host: 'mail.example' })
    await looker.close()
    await call('DELETE', `/alert-channels/${body.id}`)
  })

  test('that could not work are refused with all that is wrong', async () => {
    const of = (config: object, more: object = {}) =>
      faultsOf('/alert-channels', { name: 'Ops', config, ...more })
    expect(await of(email({ tls: 'none' }))).toEqual(['config.tls: a password is only sent over TLS'])
    expect(await of(email({ password: undefined }))).toEqual([
      'config.password: username and password go together',
    ])
    expect(await of(email({ to: [] }))).toHaveLength(1)
    for (const to of ['ops', 'a@b.example\r\nBcc: c@d.example', 'a@b.example, c@d.example', 'x <a@b.example'])
      expect(await of(email({ to: [to] }))).toEqual(['config.to.0: is no e-mail address'])
    for (const host of ['mail.example:25', 'a b', 'http://mail.example', ''])
      expect(await of(email({ host }))).toEqual(['config.host: is no host name or address'])
    expect(await of(webhook({ secret: 'whsec_c2hvcnQ=' }))).toEqual([
      'config.secret: is not whsec_ and the base64 of 24 to 64 bytes',
    ])
    expect(await of(webhook({ secret: '***' }))).toHaveLength(1)
    expect(await of(webhook({ url: 'ftp://ops.example/' }))).toEqual([
      'config.url: is not an absolute http or https URL',
    ])
    expect(await of({ kind: 'pigeon' })).toHaveLength(1)
    expect(await of(webhook(), { conditions: ['boredom'] })).toHaveLength(1)
    expect(
      await of(webhook(), { applications: [newId()], integrations: ['no'], destinations: [erp] }),
    ).toEqual([
      expect.stringMatching(/^applications\.0: there is no application/),
      'integrations.0: there is no integration "no"',
    ])
  })

  test('of an application hear of it alone, and name nothing of another one', async () => {
    const other = (await road.api.application('other')).id
    const of = (more: object) => ({ name: 'theirs', config: webhook(), ...more })
    const made = await call('POST', '/alert-channels', of({ applicationId: other }))
    expect(made.body).toMatchObject({ applicationId: other })
    expect((await call('GET', `/alert-channels?applicationId=${other}`)).body.items).toEqual([made.body])
    const about = { integrationId: orders, destinationId: null }
    expect(covers(made.body, { applicationId: other, ...about })).toBe(true)
    expect(covers(made.body, { applicationId: road.shop, ...about })).toBe(false)
    expect(await faultsOf('/alert-channels', of({ applicationId: other, destinations: [erp] }))).toEqual([
      expect.stringMatching(/^destinations\.0: there is no destination/),
    ])
    expect(await faultsOf('/alert-channels', of({ applicationId: newId() }))).toEqual([
      'applicationId: there is no such application',
    ])
    const moved = await call('PATCH', `/alert-channels/${made.body.id}`, { applicationId: null })
    expect(moved.status).toBe(409)
    await call('DELETE', `/alert-channels/${made.body.id}`)
  })

  test('have a test button, which tells at once what came of it', async () => {
    const server = await startMailServer({ tls: 'tls' })
    const config = email({
      host: '127.0.0.1',
      port: server.port,
      tls: 'tls',
      ca: mailCertificate,
      username: undefined,
      password: undefined,
    })
    const { body } = await call('POST', '/alert-channels', { name: 'Ops', config })
    // The road may reach its receiver and nothing else.
    expect((await call('POST', `/alert-channels/${body.id}/test`)).body).toEqual({
      sent: false,
      problem: expect.stringMatching(/is not a public address/),
    })
    await call('PATCH', `/alert-channels/${body.id}`, {
      config: webhook({ url: `${road.receiver.url}/test-button` }),
    })
    expect((await call('POST', `/alert-channels/${body.id}/test`)).body).toEqual({
      sent: true,
      problem: null,
    })
    expect(road.receiver.requests.filter(({ url }) => url === '/test-button')).toHaveLength(1)
    expect((await call('POST', `/alert-channels/${newId()}/test`)).status).toBe(404)
    expect((await call('GET', '/incidents')).body.items).toEqual([])
    await call('DELETE', `/alert-channels/${body.id}`)
    await server.close()
  })
})

describe('alert rules', () => {
  test('are made, read, listed, changed and deleted', async () => {
    const made = await call('POST', '/alert-rules', {
      integrationId: orders,
      when: { condition: 'silence', silentAfterMinutes: 30 },
    })
    expect(made.status).toBe(201)
    const rule = {
      id: made.body.id,
      applicationId: null,
      integrationId: orders,
      destinationId: null,
      enabled: true,
      when: { condition: 'silence', silentAfterMinutes: 30 },
    }
    expect(made.body).toEqual(rule)
    expect((await call('GET', `/alert-rules/${rule.id}`)).body).toEqual(rule)
    expect((await call('GET', `/alert-rules?applicationId=${road.shop}`)).body.items).toEqual([rule])
    expect((await call('GET', `/alert-rules?applicationId=${newId()}`)).body.items).toEqual([])
    const when = { condition: 'silence', silentAfterMinutes: 45 }
    expect((await call('PATCH', `/alert-rules/${rule.id}`, { when })).body).toEqual({ ...rule, when })
    const again = await call('POST', '/alert-rules', { integrationId: orders, when })
    expect([again.status, again.body.detail]).toEqual([
      409,
      'there is a rule for "silence" of the same thing already',
    ])
    expect((await call('DELETE', `/alert-rules/${rule.id}`)).status).toBe(204)
    expect((await call('GET', `/alert-rules/${rule.id}`)).status).toBe(404)
  })

  test('stay with the application that they are about', async () => {
    const when = { condition: 'dead_run' }
    const rule = (await call('POST', '/alert-rules', { integrationId: orders, when })).body
    const other = (await road.api.application('elsewhere')).id
    const theirs = (await road.api.integration(other, { nodes: [{ id: 'map', kind: 'transform' }] })).id
    const change = async (body: object) => (await call('PATCH', `/alert-rules/${rule.id}`, body)).body.errors
    expect(await change({ integrationId: theirs })).toEqual([
      { path: 'integrationId', message: 'there is no such integration' },
    ])
    expect(await change({ integrationId: null })).toEqual([
      { path: '', message: 'a rule about an application stays with it' },
    ])
    await call('DELETE', `/alert-rules/${rule.id}`)
  })

  test('fill in the usual limits, and refuse what is not one', async () => {
    const made = await call('POST', '/alert-rules', { when: { condition: 'backlog', deliveriesMax: 5 } })
    expect(made.body.when).toEqual({ condition: 'backlog', deliveriesMax: 5, olderThanMinutes: 15 })
    await call('DELETE', `/alert-rules/${made.body.id}`)
    const of = (body: object) => faultsOf('/alert-rules', body)
    expect(await of({ when: { condition: 'silence' } })).toHaveLength(1)
    expect(await of({ when: { condition: 'backlog', deliveriesMax: -1 } })).toHaveLength(1)
    expect(await of({ when: { condition: 'backlog', failures: 3 } })).toHaveLength(1)
    expect(await of({ when: { condition: 'boredom' } })).toHaveLength(1)
    expect(await of({ destinationId: erp, when: { condition: 'quarantine' } })).toEqual([
      'destinationId: "quarantine" is about integrations',
    ])
    expect(await of({ integrationId: orders, when: { condition: 'backlog' } })).toEqual([
      'integrationId: "backlog" is about destinations',
    ])
    expect(
      await of({ applicationId: road.shop, integrationId: orders, when: { condition: 'dead_run' } }),
    ).toEqual([': a rule names one application, integration or destination at most'])
    expect(await of({ integrationId: 'nothing', when: { condition: 'dead_run' } })).toEqual([
      'integrationId: there is no such integration',
    ])
  })
})

test('incidents are listed newest first, page by page, and narrowed down', async () => {
  const looker = openLooker(road)
  const nodes = [{ id: 'map', kind: 'transform' }]
  const silent = [await road.integration(nodes), await road.integration(nodes), await road.integration(nodes)]
  const rules: string[] = []
  for (const integrationId of silent) {
    const when = { condition: 'silence', silentAfterMinutes: 1 }
    rules.push((await call('POST', '/alert-rules', { integrationId, when })).body.id)
    await looker.look(120_000)
  }
  await call('DELETE', `/alert-rules/${rules[0]}`)
  await looker.look(120_000)
  const idsOf = async (query: string) =>
    (await call('GET', `/incidents${query}`)).body.items.map(
      (one: { integrationId: string }) => one.integrationId,
    )
  expect(await idsOf('')).toEqual(silent.toReversed())
  expect(await idsOf('?state=open')).toEqual([silent[2], silent[1]])
  expect(await idsOf('?state=recovered')).toEqual([silent[0]])
  expect(await idsOf(`?integrationId=${silent[1]}`)).toEqual([silent[1]])
  expect(await idsOf(`?applicationId=${road.shop}&condition=silence`)).toHaveLength(3)
  expect(await idsOf(`?applicationId=${newId()}`)).toEqual([])
  expect(await idsOf(`?destinationId=${erp}`)).toEqual([])
  const first = (await call('GET', '/incidents?limit=2')).body
  expect(first.items).toHaveLength(2)
  expect(await idsOf(`?limit=2&cursor=${first.next}`)).toEqual([silent[0]])
  expect((await call('GET', '/incidents?state=asleep')).status).toBe(400)
  const one = (await call('GET', `/incidents/${first.items[0].id}`)).body
  expect(one).toEqual({ ...first.items[0], messages: [] })
  expect((await call('GET', `/incidents/${newId()}`)).status).toBe(404)
  await looker.close()
})
