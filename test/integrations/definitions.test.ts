import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { destinationConfigSchema } from '../../src/integrations/integrations.ts'
import { newId, newIntegrationId } from '../../src/platform/ids.ts'
import type { Log } from '../../src/platform/log.ts'
import { connectPostgres, type Sql } from '../../src/platform/postgres.ts'
import { createSealer } from '../../src/platform/sealing.ts'
import { eventually } from '../world/eventually.ts'
import { type PostgresServer, startPostgres } from '../world/postgres.ts'
import { definitionOf, openProcess, type Process, saveOrders, saveShop } from './world.ts'

let server: PostgresServer
let onlooker: Sql

beforeAll(async () => {
  server = await startPostgres()
  onlooker = connectPostgres(server.url, { connectionsMax: 1, applicationName: 'onlooker' })
})

afterAll(async () => {
  await onlooker.end({ timeout: 1 })
  await server.stop()
})

test('a change is seen by its own process when it is saved, and by every other one at once', async () => {
  const [one, two] = await Promise.all([openProcess(server.url), openProcess(server.url)])
  const shop = await saveShop(one.integrations)
  const id = await saveOrders(one.integrations, shop)
  expect(one.integrations.integration(id)).toMatchObject({ version: 1, name: 'orders' })
  await eventually(() => expect(two.integrations.integration(id)).toMatchObject({ version: 1 }))
  expect(two.integrations.application(shop)?.allowedList).toEqual(['203.0.113.0/24'])
  let reloads = 0
  two.integrations.onReload(() => {
    reloads += 1
  })
  await one.integrations.delete('integrations', id)
  await eventually(() => expect(two.integrations.integration(id)).toBeUndefined())
  expect(reloads).toBeGreaterThan(0)
  await Promise.all([one.close(), two.close()])
})

/** `listen` has a connection of its own, whose last statement it is. */
async function listeners(name: string): Promise<number[]> {
  const rows = await onlooker<{ pid: number }[]>`
    SELECT pid FROM pg_stat_activity WHERE application_name = ${name} AND query ILIKE 'listen %'`
  return rows.map(({ pid }) => pid)
}

test('a lost listening connection is made again, and what was missed meanwhile is read', async () => {
  const process = await openProcess(server.url)
  const shop = await saveShop(process.integrations)
  const id = await saveOrders(process.integrations, shop)
  for (let round = 0; round < 3; round += 1) {
    const [pid] = await eventually(async () => {
      const pids = await listeners(process.name)
      expect(pids).toHaveLength(1)
      return pids
    })
    // Without a notice: only whoever reads again when it listens again can see it.
    await onlooker`UPDATE integrations SET name = ${`missed ${round}`} WHERE id = ${id}`
    await onlooker`SELECT pg_terminate_backend(${pid ?? 0})`
    await eventually(() => expect(process.integrations.integration(id)?.name).toBe(`missed ${round}`))
  }
  await eventually(async () => expect(await listeners(process.name)).toHaveLength(1))
  await onlooker`UPDATE integrations SET name = 'told' WHERE id = ${id}`
  await onlooker`SELECT pg_notify('sluice_definitions', '')`
  await eventually(() => expect(process.integrations.integration(id)?.name).toBe('told'))
  await process.close()
})

test('without any notice everything is read again after the reload period', async () => {
  const process = await openProcess(server.url, { reloadSeconds: 0.2 })
  const shop = await saveShop(process.integrations)
  await onlooker`UPDATE applications SET name = 'unannounced' WHERE id = ${shop}`
  await eventually(() => expect(process.integrations.application(shop)?.name).toBe('unannounced'))
  await process.close()
})

test('what was read stays valid while PostgreSQL is away, and is fresh again soon after it is back', async () => {
  const process = await openProcess(server.url)
  const shop = await saveShop(process.integrations)
  const id = await saveOrders(process.integrations, shop)
  await server.kill9()
  expect(process.integrations.integration(id)).toMatchObject({ name: 'orders' })
  await expect(process.integrations.reload()).rejects.toThrow()
  expect(process.integrations.integration(id)).toMatchObject({ name: 'orders' })
  expect(process.integrations.application(shop)).toBeDefined()
  await server.restart()
  await eventually(() => onlooker`UPDATE integrations SET name = 'changed meanwhile' WHERE id = ${id}`)
  // It may have been back before this was changed, of which nothing told it.
  await onlooker`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()`
  await eventually(() => expect(process.integrations.integration(id)?.name).toBe('changed meanwhile'))
  await process.close()
})

test('closing ends while PostgreSQL is away', async () => {
  const process = await openProcess(server.url)
  await server.kill9()
  const startedAt = performance.now()
  await process.close()
  expect(performance.now() - startedAt).toBeLessThan(5_000)
  await server.restart()
})

test('of what is as it was nothing is read again, and what changed is read', async () => {
  const { integrations, close } = await openProcess(server.url)
  const shop = await saveShop(integrations)
  const [kept, changed] = [await saveOrders(integrations, shop), await saveOrders(integrations, shop)]
  const definition = (id: string) => integrations.integration(id)?.definition
  const before = definition(kept)
  await saveOrders(integrations, shop, definitionOf({ split: 'orders' }), changed)
  expect(before).toBeDefined()
  expect(definition(kept)).toBe(before)
  expect(definition(changed)?.split).toBe('orders')
  await close()
})

test('each version stays for the runs that carry it, also when its integration is made anew', async () => {
  const process = await openProcess(server.url)
  const { integrations } = process
  const shop = await saveShop(integrations)
  const first = definitionOf({ alwaysList: ['a.b'] })
  const id = await saveOrders(integrations, shop, first)
  await saveOrders(integrations, shop, definitionOf({ split: 'orders' }), id)
  await integrations.delete('integrations', id)
  expect(await integrations.definitionOf(id, 1)).toEqual(first)
  await saveOrders(integrations, shop, definitionOf(), id)
  expect(integrations.integration(id)?.version).toBe(3)
  expect((await integrations.definitionOf(id, 2))?.split).toBe('orders')
  expect(await integrations.definitionOf(id, 4)).toBeUndefined()
  await process.close()
})

describe('saved at the same moment by several processes', () => {
  const MOMENTS = [0, 1, 2, 3, 4, 5]
  let processes: Process[]

  beforeAll(async () => {
    processes = await Promise.all([openProcess(server.url), openProcess(server.url)])
  })
  afterAll(() => Promise.all(processes.map((process) => process.close())))

  /** Several at each process, all at once. */
  function atOnce<T>(work: (integrations: Process['integrations'], moment: number) => Promise<T>) {
    return Promise.all(
      processes.flatMap(({ integrations }, which) =>
        MOMENTS.map((moment) => work(integrations, which * MOMENTS.length + moment)),
      ),
    )
  }

  test('an integration gets a version for each, in some order, and the last one is current', async () => {
    const [one] = processes
    if (!one) throw new Error('no process')
    const applicationId = await saveShop(one.integrations)
    const id = newIntegrationId()
    const save = (integrations: Process['integrations'], moment: number) =>
      integrations.saveIntegration({
        id,
        applicationId,
        name: `moment ${moment}`,
        enabled: true,
        definition: definitionOf({ split: `moment_${moment}` }),
      })
    const versions = (await atOnce(save)).map((saved) => saved?.version ?? 0)
    expect(versions.toSorted((left, right) => left - right)).toEqual(versions.map((_, at) => at + 1))
    const last = versions.indexOf(versions.length)
    await one.integrations.reload()
    expect(one.integrations.integration(id)).toMatchObject({
      name: `moment ${last}`,
      version: versions.length,
    })
    for (const [moment, version] of versions.entries())
      expect((await one.integrations.definitionOf(id, version))?.split).toBe(`moment_${moment}`)
  })

  test('a new integration is made by one of them, and the others are told', async () => {
    const [one] = processes
    if (!one) throw new Error('no process')
    const applicationId = await saveShop(one.integrations)
    const id = newIntegrationId()
    const create = (integrations: Process['integrations'], moment: number) =>
      integrations.createIntegration({
        id,
        applicationId,
        name: `moment ${moment}`,
        enabled: true,
        definition: definitionOf(),
      })
    const made = (await atOnce(create)).filter((integration) => integration !== undefined)
    expect(made).toMatchObject([{ version: 1 }])
    await one.integrations.reload()
    expect(one.integrations.integration(id)).toEqual(made[0])
  })

  test('a function with one name is one function, as when they start together', async () => {
    const [one] = processes
    if (!one) throw new Error('no process')
    const name = newIntegrationId()
    const save = (integrations: Process['integrations'], moment: number) =>
      integrations.saveFunction({
        applicationId: null,
        name,
        enabled: true,
        source: `return ${moment % MOMENTS.length}`,
      })
    const saved = await atOnce(save)
    await one.integrations.reload()
    expect(new Set(saved.map((made) => made?.id)).size).toBe(1)
    expect(saved.map((made) => made?.version)).toContain(
      one.integrations.rewriteFunction(newId(), name)?.version,
    )
  })
})

test('numbers in a definition keep their digits', async () => {
  const process = await openProcess(server.url)
  const mapping = { id: { value: 820982911946154508n } }
  const definition = definitionOf({ nodes: [{ id: 'n', kind: 'transform', mapping }] })
  const id = await saveOrders(process.integrations, await saveShop(process.integrations), definition)
  expect(process.integrations.integration(id)?.definition.nodes[0]).toMatchObject({ mapping })
  await process.close()
})

test('a function has the version of its content, and its source stays', async () => {
  const process = await openProcess(server.url)
  const { integrations } = process
  const applicationId = await saveShop(integrations)
  const save = (source: string) =>
    integrations.saveFunction({ applicationId, name: 'f', enabled: true, source })
  const [first, second, third] = [await save('return 1'), await save('return 2'), await save('return 1')]
  expect(third).toEqual(first)
  expect(second?.version).not.toBe(first?.version)
  expect(await integrations.sourceOf(second?.version ?? '')).toBe('return 2')
  expect(integrations.rewriteFunction(applicationId, 'f')?.version).toBe(first?.version)
  expect(integrations.rewriteFunction(newId(), 'f')).toBeUndefined()
  await process.close()
})

describe('secrets', () => {
  const config = {
    kind: 'http',
    url: 'https://erp.example/',
    auth: { kind: 'bearer', token: 'very-secret-token' },
  } as const

  async function saveDestination(process: Process): Promise<string> {
    const applicationId = await saveShop(process.integrations)
    const destination = {
      id: newId(),
      applicationId,
      name: 'erp',
      enabled: true,
      config: destinationConfigSchema.parse(config),
    }
    await process.integrations.saveDestination(destination)
    return destination.id
  }

  test('are sealed in the table, and open where they are used', async () => {
    const process = await openProcess(server.url)
    const id = await saveDestination(process)
    const [row] = await onlooker`SELECT config FROM destinations WHERE id = ${id}`
    expect(row?.config).not.toContain('very-secret')
    expect(row?.config).toMatch(/"token":"sealed:[0-9a-f]{8}:/)
    expect(process.integrations.destination(id)?.config).toMatchObject({ auth: config.auth })
    await process.close()
  })

  test('do not open under another key, nor in another row; the log names the key, and the rest stands', async () => {
    const process = await openProcess(server.url)
    const id = await saveDestination(process)
    const other = await saveDestination(process)
    const shop = await saveShop(process.integrations)
    await onlooker`
      UPDATE destinations SET config = (SELECT config FROM destinations WHERE id = ${id}) WHERE id = ${other}`
    const complaints: string[] = []
    const log = {
      error: (fields: { err: Error; id: string }) => complaints.push(`${fields.id}: ${fields.err.message}`),
    }
    const key = randomBytes(32)
    const sealed = createSealer(key).seal('its own', 'destination:none')
    const [own] = await onlooker`
      INSERT INTO destinations (id, application_id, name, enabled, config)
      VALUES (${newId()}, ${shop}, 'of the other key', true, ${JSON.stringify({ sealed })}) RETURNING id`
    const stranger = await openProcess(server.url, { key, log: log as unknown as Log })
    expect(stranger.integrations.destination(id)).toBeUndefined()
    expect(stranger.integrations.application(shop)).toBeDefined()
    expect(complaints.find((line) => line.startsWith(id))).toMatch(
      /sealed under master key [0-9a-f]{8}, this process has [0-9a-f]{8}$/,
    )
    await process.integrations.reload()
    expect(process.integrations.destination(id)).toBeDefined()
    expect(process.integrations.destination(other)).toBeUndefined()
    await onlooker`DELETE FROM destinations WHERE id = ${own?.id}`
    await Promise.all([process.close(), stranger.close()])
  })

  test('whoever has a key that opens none of them does not begin, until the statements for a lost key were run', async () => {
    const process = await openProcess(server.url)
    const id = await saveDestination(process)
    await process.close()
    const key = randomBytes(32)
    await expect(openProcess(server.url, { key })).rejects.toThrow(
      /^The secrets in the database were sealed under another master key \([0-9a-f]{8}\) than this process has \([0-9a-f]{8}\): /,
    )
    const operations = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8')
    const statements = /^## The master key is lost$.*?^```sql$\n(.*?)^```$/ms.exec(operations)?.[1] ?? ''
    expect(statements).not.toBe('')
    await onlooker.unsafe(statements)
    const renewed = await openProcess(server.url, { key })
    const token = expect.stringMatching(/^[0-9a-f]{64}$/)
    expect(renewed.integrations.destination(id)?.config).toMatchObject({ auth: { token } })
    await renewed.close()
  })
})

test('a stored row that cannot be read is left out, and the others stay', async () => {
  const complaints: string[] = []
  const log = { error: (fields: { id: string }) => complaints.push(fields.id) } as unknown as Log
  const process = await openProcess(server.url, { log })
  const shop = await saveShop(process.integrations)
  const [good, broken, strange] = [
    await saveOrders(process.integrations, shop),
    await saveOrders(process.integrations, shop),
    await saveOrders(process.integrations, shop),
  ]
  await onlooker`UPDATE integrations SET definition = '{"nodes":[' WHERE id = ${broken}`
  await onlooker`UPDATE integrations SET definition = '{"nodes":[{"kind":"teleport"}]}' WHERE id = ${strange}`
  await process.integrations.reload()
  expect(process.integrations.integration(good)).toBeDefined()
  expect(process.integrations.integration(broken)).toBeUndefined()
  expect(process.integrations.integration(strange)).toBeUndefined()
  expect(complaints).toEqual(expect.arrayContaining([broken, strange]))
  await process.close()
})
