import { readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, apiAt } from '../world/api.ts'
import { endAll, type Facts, madeHome, type Sluice, startSluice } from './sluice.ts'

/** One story; each test takes up where the one before ended. */
describe('the demo of npm start', () => {
  let home: string
  let sluice: Sluice
  let facts: Facts
  let api: Api

  beforeAll(async () => {
    home = await madeHome()
    await start()
  })
  afterAll(endAll)

  async function start(): Promise<void> {
    sluice = startSluice(home)
    facts = await sluice.ready()
    api = apiAt(facts.url, facts.adminKey)
  }

  async function stop(): Promise<void> {
    sluice.signal('SIGTERM')
    expect(await sluice.ended()).toEqual({ code: 0, signal: null })
  }

  const idOf = async (what: string) => (await readFile(path.join(home, `demo.${what}`), 'utf8')).trim()
  const urlOfDestination = async () =>
    (await api.call('GET', `/destinations/${await idOf('destination')}`)).body.config.url

  test('its destination follows its receiver to another port', async () => {
    const { port } = new URL(facts.receivedUrl)
    await stop()
    const other = createServer().listen(Number(port), '127.0.0.1')
    await start()
    expect(new URL(facts.receivedUrl).port).not.toBe(port)
    expect(await urlOfDestination()).toBe(facts.receivedUrl)
    other.close()
  })

  test("a destination that was pointed at a server of one's own goes on there after a restart", async () => {
    const url = 'https://warehouse.example.com/orders'
    const config = { kind: 'http', url }
    const changed = await api.call('PATCH', `/destinations/${await idOf('destination')}`, { config })
    expect(changed.status).toBe(200)
    await stop()
    await start()
    expect(await urlOfDestination()).toBe(url)
  })

  test.each([
    ['stays away', []],
    ['does not stand in the way of an application with its name', [path.join('postgres', 'demo.made')]],
  ])('once deleted it %s', async (_what, lost) => {
    for (const thing of ['integration', 'destination', 'application'])
      await api.call('DELETE', `/${thing}s/${await idOf(thing)}`)
    await api.call('POST', '/applications', { slug: 'demo', name: 'My own' })
    await stop()
    for (const file of lost) await rm(path.join(home, file))
    await start()
    const { items } = (await api.call('GET', '/applications')).body
    expect(items).toMatchObject([{ slug: 'demo', name: 'My own' }])
    expect(facts.webhookUrl).toBeUndefined()
    expect(sluice.stdout()).not.toContain('Send a webhook')
    expect(sluice.stdout()).toContain('  1. See the events')
  })
})
