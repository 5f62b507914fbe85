import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiAt } from '../world/api.ts'
import { eventually } from '../world/eventually.ts'
import {
  endAll,
  type Facts,
  isRunning,
  modeOf,
  newHome,
  postmasterPid,
  type Sluice,
  startSluice,
} from './sluice.ts'

const run = promisify(execFile)

/** One story from the first start on; each test takes up where the one before ended. */
describe('a newcomer who types npm start', () => {
  let home: string
  let sluice: Sluice
  let facts: Facts

  beforeAll(async () => {
    home = await newHome()
    sluice = startSluice(home)
    facts = await sluice.ready()
  })
  afterAll(endAll)

  test('is told the addresses and the key, and scripts find the same in dev.json, which nobody else can read', async () => {
    expect(Object.keys(facts).toSorted()).toEqual([
      'adminKey',
      'integrationId',
      'receivedUrl',
      'url',
      'webhookUrl',
    ])
    expect(facts.webhookUrl).toBe(`${facts.url}/integration/${facts.integrationId}`)
    for (const fact of Object.values(facts)) expect(sluice.stdout()).toContain(fact)
    expect(await modeOf(path.join(home, 'dev.json'))).toBe('600')
    for (const secret of ['admin.key', 'master.key', 'demo.token', 'demo-received.ndjson']) {
      expect([secret, await modeOf(path.join(home, secret))]).toEqual([secret, '600'])
    }
  })

  test('is told that programs on this machine may send', () => {
    expect(sluice.stdout()).toContain('Programs on this machine may send without being on an allowlist')
  })

  test('pastes the printed commands into a shell: the order goes in, its mapped form comes out', async () => {
    const [send = '', received = '', events = ''] = printedCommands(sluice.stdout())
    expect(await paste(send)).toBe('{"result":true,"error":""}')
    await eventually(async () => expect(JSON.parse(await paste(received))).toHaveLength(1))
    expect(JSON.parse(await paste(received))[0].body).toEqual({
      order_id: 123456,
      order_number: '#1001',
      customer_email: 'customer@example.com',
      total: 99.99,
      currency: 'USD',
      ship_to: { name: 'Doe', city: 'New York' },
      lines: [{ sku: 'TSHIRT-001', quantity: 2 }],
      source: 'webhook',
    })
    await eventually(async () => {
      const { items } = JSON.parse(await paste(events))
      expect(items).toMatchObject([{ integrationId: facts.integrationId, state: 'delivered' }])
    })
  })

  test('the demo destination answers nobody without its token, and shows digits as they came', async () => {
    expect((await fetch(new URL('/', facts.receivedUrl))).status).toBe(404)
    const order = '{"order":{"id":820982911946154508999}}'
    await fetch(facts.webhookUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: order,
    })
    await eventually(async () =>
      expect(await (await fetch(facts.receivedUrl)).text()).toContain('820982911946154508999'),
    )
  })

  test('the demo destination is the one place of this machine that may be pushed to', async () => {
    const api = apiAt(facts.url, facts.adminKey)
    const { applicationId } = (await api.call('GET', `/integrations/${facts.integrationId}`)).body
    const { port } = new URL(facts.receivedUrl)
    for (const url of [facts.url, `http://127.0.0.2:${port}/`]) {
      const { id } = await api.destination(applicationId, url)
      const { body } = await api.call('POST', `/destinations/${id}/test`, {})
      expect([url, JSON.stringify(body)]).toEqual([url, expect.stringContaining('not a public address')])
      await api.call('DELETE', `/destinations/${id}`)
    }
  })

  test('a second Sluice on the same data is refused with a sentence, and the first goes on', async () => {
    const second = startSluice(home)
    expect(await second.ended()).toEqual({ code: 1, signal: null })
    expect(second.stderr().trim().split('\n')).toHaveLength(1)
    expect(second.stderr()).toContain(`Another Sluice (process ${sluice.pid}) already works on ${home}`)
    expect((await fetch(`${facts.url}/health/ready`)).status).toBe(200)
    expect(existsSync(path.join(home, 'dev.json'))).toBe(true)
    expect(await received(facts)).toHaveLength(2)
  })

  test('Ctrl-C ends it in order and leaves no PostgreSQL behind', async () => {
    const pid = (await postmasterPid(home)) ?? 0
    expect(isRunning(pid)).toBe(true)
    sluice.signalGroup('SIGINT')
    expect(await sluice.ended()).toEqual({ code: 0, signal: null })
    expect(isRunning(pid)).toBe(false)
    expect(sluice.stdout()).toContain('"stopped"')
    expect(existsSync(path.join(home, 'dev.json'))).toBe(false)
  })

  test('the second start finds the data, the key and what was received', async () => {
    sluice = startSluice(home)
    const again = await sluice.ready()
    expect(again.integrationId).toBe(facts.integrationId)
    expect(again.adminKey).toBe(facts.adminKey)
    expect(await received(again)).toHaveLength(2)
    expect(await eventCount(again)).toBe(2)
    facts = again
  })

  test('so does a start after kill -9', async () => {
    sluice.signal('SIGKILL')
    await sluice.ended()
    expect(await postmasterPid(home)).toBeDefined()
    sluice = startSluice(home)
    facts = await sluice.ready()
    expect(await received(facts)).toHaveLength(2)
    expect(await eventCount(facts)).toBe(2)
  })

  test('SIGTERM ends it in order, and a request that has begun gets its answer first', async () => {
    const pid = (await postmasterPid(home)) ?? 0
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(Buffer.from('{"order":'))
        await eventually(() => expect(sluice.stdout()).toContain('asked to stop'))
        controller.enqueue(Buffer.from('{"id":1}}'))
        controller.close()
      },
    })
    const headers = { 'content-type': 'application/json' }
    const answer = fetch(facts.webhookUrl, { method: 'POST', headers, body, duplex: 'half' } as RequestInit)
    // The request is there when another one, sent later, was answered.
    await (await fetch(`${facts.url}/health/live`)).text()
    sluice.signal('SIGTERM')
    expect(await (await answer).json()).toEqual({ result: true, error: '' })
    expect(await sluice.ended()).toEqual({ code: 0, signal: null })
    expect(isRunning(pid)).toBe(false)
  })
})

/** What stands in the first column, up to an empty line, is made to be pasted. */
function printedCommands(text: string): string[] {
  return [...text.matchAll(/^curl [\s\S]*?(?=\n\n)/gm)].map(([command]) => command)
}

async function paste(command: string): Promise<string> {
  const { stdout } = await run('sh', ['-c', command])
  return stdout
}

async function received({ receivedUrl }: Facts): Promise<unknown[]> {
  return (await (await fetch(receivedUrl)).json()) as unknown[]
}

async function eventCount({ url, adminKey }: Facts): Promise<number> {
  const answer = await fetch(`${url}/api/v1/events`, { headers: { authorization: `Bearer ${adminKey}` } })
  return ((await answer.json()) as { items: unknown[] }).items.length
}
