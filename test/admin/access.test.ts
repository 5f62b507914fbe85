/**
 * Walks the whole document of the API with the keys of two shops: what it serves tomorrow is walked tomorrow. A route
 * that cannot be walked, because nothing here makes it succeed, fails too.
 */
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/platform/ids.ts'
import { created } from '../alerts/world.ts'
import { type Api, apiAt } from '../world/gateway.ts'
import { bodyFor, type Document, documentAt, type Operation, operationsOf } from './sample-of.ts'
import { beginReplay, MARK, openTwoShops, type Shop, type TwoShops } from './two-shops.ts'

let shops: TwoShops
let document: Document
let sql: postgres.Sql

beforeAll(async () => {
  shops = await openTwoShops()
  document = await documentAt(shops.road.world.url)
  sql = postgres(shops.road.world.env.DATABASE_URL ?? '', { max: 2 })
}, 120_000)
afterAll(async () => {
  await sql?.end()
  await shops?.close()
})

const operations = () => operationsOf(document)
const isReading = ({ method }: Operation) => method === 'get'
const roleOf = ({ security }: Operation) => security[0]?.apiKey[0] ?? ''
const hasId = ({ path }: Operation) => path.includes('{')
const fill = (path: string, id: string) => path.replace(/\{\w+\}/, encodeURIComponent(id))
const named = ({ method, path }: Operation) => `${method} ${path}`

/** All ids of a shop, those of what the operation is about first: "/dead-letters/{id}" is about a dead letter. */
function idsFor({ path }: Operation, { ids }: Shop): { own: string[]; others: string[][] } {
  const [, plural = ''] = path.split('/')
  const about = plural.replace(/ies$/, 'y').replace(/s$/, '').replaceAll('-', ' ')
  const kinds = Object.entries(ids)
  const isOwn = ([kind]: [string, string[]]) => kind.toLowerCase().endsWith(about)
  return {
    // The latest are those that were made for what an operation needs.
    own: kinds.filter(isOwn).flatMap(([, each]) => each.toReversed()),
    others: kinds.filter((one) => !isOwn(one)).map(([, each]) => each),
  }
}

/** Several of what the operation is about, and one of every other kind. */
function someOfEach(operation: Operation, shop: Shop): string[] {
  const { own, others } = idsFor(operation, shop)
  return [...own.slice(0, 2), ...others.flatMap((each) => each.slice(0, 1))]
}

function allOf(operation: Operation, shop: Shop): string[] {
  const { own, others } = idsFor(operation, shop)
  return [...own, ...others.flat()]
}

/** What no generator could guess. */
const SHAPES = {
  Definition: { nodes: [{ id: 'map', kind: 'transform' }] },
  DestinationConfig: { kind: 'http', url: 'https://erp.example/' },
  AlertChannelConfig: { kind: 'slack', url: 'https://hooks.example/T0/B0/x' },
  AlertCondition: { condition: 'dead_run' },
}

/** Every field by which a request can name something of a shop. */
function fieldsNaming(shop: Shop): Record<string, unknown> {
  const of = (kind: string) => shop.ids[kind]?.[0]
  const lists = {
    applications: shop.ids.application,
    integrations: shop.ids.integration,
    destinations: shop.ids.destination,
  }
  return {
    integrationId: of('integration'),
    destinationId: of('destination'),
    eventId: of('event'),
    deliveryId: of('delivery'),
    keyId: shop.keyId,
    resourceId: of('destination'),
    id: of('integration'),
    ...lists,
  }
}

describe('a key of one shop', () => {
  test('finds and changes nothing of another one, whatever it asks for, and cannot tell that it is there', async () => {
    const before = await rowsOf(shops.first)
    expect(before.length).toBeGreaterThan(100)
    for (const operation of operations()) {
      await askForForeignThings(operation)
      await nameForeignThings(operation)
    }
    expect(await rowsOf(shops.first)).toEqual(before)
  }, 240_000)

  /** By its path. */
  async function askForForeignThings(operation: Operation): Promise<void> {
    if (!hasId(operation)) return
    const body = bodyFor(operation, document, { shapes: SHAPES, fields: {} })
    const askFor = (id: string) => ask(shops.second.api, operation, fill(operation.path, id), body, [id])
    const nobody = { uuid: await askFor(newId()), other: await askFor('there-is-no-such-thing') }
    for (const id of someOfEach(operation, shops.first)) {
      const theirs = await askFor(id)
      const nothing = /^[0-9a-f-]{36}$/.test(id) ? nobody.uuid : nobody.other
      expect([named(operation), id, theirs]).toEqual([named(operation), id, nothing])
      expect([400, 403, 404]).toContain(theirs.status)
      expect(theirs.text).not.toContain(MARK)
    }
  }

  /** In its query and its body. */
  async function nameForeignThings(operation: Operation): Promise<void> {
    const path = fill(operation.path, shops.second.ids.destination?.[0] ?? '')
    const fields = fieldsNaming(shops.first)
    const ids = Object.values(shops.first.ids).flat()
    const queries = (operation.parameters ?? [])
      .filter(({ name, in: place }) => place === 'query' && (name in fields || name === 'applicationId'))
      .map(({ name }) => `?${name}=${fields[name] ?? shops.first.id}`)
    for (const query of isReading(operation) ? ['', ...queries] : []) {
      const answer = await ask(shops.second.api, operation, `${path}${query}`, undefined, ids)
      expect([named(operation), query, answer.text]).toEqual([
        named(operation),
        query,
        expect.not.stringContaining(MARK),
      ])
      if (query !== '' && answer.status === 200)
        expect([named(operation), query, JSON.parse(answer.text).items]).toEqual([
          named(operation),
          query,
          [],
        ])
    }
    for (const given of [{ applicationId: shops.first.id }, fields]) {
      const body = bodyFor(operation, document, { shapes: shapesNaming(shops.first), fields: given })
      if (body === undefined) continue
      const answer = await ask(shops.second.api, operation, path, body, ids)
      expect([operation.path, answer.text]).toEqual([operation.path, expect.not.stringContaining(MARK)])
    }
  }

  function shapesNaming({ ids }: Shop) {
    const nodes = [{ id: 'push', kind: 'push', destination: ids.destination?.[0] }]
    return { ...SHAPES, Definition: { nodes } }
  }
})

describe('a role', () => {
  test('opens exactly what the document says that it opens', async () => {
    const roles = ['viewer', 'editor', 'admin']
    for (const [rank, role] of roles.entries()) {
      const { key } = await created(shops.road, '/api-keys', { name: role, role })
      const api = apiAt(shops.road.world.url, String(key))
      for (const operation of operations()) {
        const needed = roles.indexOf(roleOf(operation))
        expect(needed).toBeGreaterThanOrEqual(0)
        // Of nothing, so that nothing is changed.
        const path = fill(operation.path, newId())
        const { status } = await api.call(
          operation.method.toUpperCase(),
          path,
          isReading(operation) ? undefined : {},
        )
        expect([named(operation), role, status === 403]).toEqual([named(operation), role, rank < needed])
      }
    }
  }, 120_000)
})

describe('whoever may', () => {
  test('reads what is theirs, in every answer that could tell it', async () => {
    for (const operation of operations().filter(isReading)) {
      if (/nothing of it belongs|nothing \(403\)/.test(operation.description)) continue
      let isTold = false
      for (const id of hasId(operation) ? allOf(operation, shops.first) : ['']) {
        const { text } = await ask(shops.first.api, operation, fill(operation.path, id), undefined, [])
        isTold = text.includes(MARK)
        if (isTold) break
      }
      expect([named(operation), isTold]).toEqual([named(operation), true])
    }
  }, 120_000)

  test('changes it, and every change stands in the audit log with who made it', async () => {
    const changing = operations().filter((operation) => !isReading(operation))
    // What takes things away comes last.
    const inOrder = changing.toSorted(
      (one, other) => Number(one.method === 'delete') - Number(other.method === 'delete'),
    )
    for (const operation of inOrder) {
      const isForAll = operation.description.includes('nothing (403)')
      const api = isForAll ? shops.road.api : shops.first.api
      // Begun here, or it would be over by then.
      const replays = operation.path === '/replays/{id}/cancel' ? [await beginReplay(shops.first)] : []
      const ids = isForAll ? await idsForAll() : [...replays, ...allOf(operation, shops.first)]
      const latest = await latestEntry()
      const id = await succeed(operation, api, ids)
      const { items } = (await shops.road.api.call('GET', '/audit-log?limit=20')).body
      const fresh = items.slice(
        0,
        items.findIndex((item: { id: string }) => item.id === latest),
      )
      expect([named(operation), fresh]).toEqual([
        named(operation),
        [
          expect.objectContaining({
            who: isForAll ? 'SLUICE_ADMIN_KEY' : MARK,
            keyId: isForAll ? null : shops.first.keyId,
            sourceIp: '127.0.0.1',
            ...(!isForAll && { applicationId: shops.first.id }),
            resource: expect.stringMatching(/^[a-z/-]+$/),
            action: expect.stringMatching(/^[a-z-]+$/),
            ...(hasId(operation) && { resourceId: id }),
          }),
        ],
      ])
    }
  }, 240_000)
})

/** Asks with one id after the other until one does, and gives it. */
async function succeed(operation: Operation, api: Api, ids: string[]): Promise<string> {
  const answers = new Set<string>()
  for (const id of hasId(operation) ? ids : ['']) {
    // Whose a thing is never changes.
    const fields = {
      name: `named-${newId()}`,
      ...(!hasId(operation) && { applicationId: shops.first.id }),
    }
    const body = bodyFor(operation, document, { shapes: SHAPES, fields })
    const answer = await ask(api, operation, fill(operation.path, id), body, [])
    if (answer.status >= 200 && answer.status < 300) return id
    if (answer.status !== 404) answers.add(`${answer.status} ${answer.text}`)
  }
  throw new Error(`nothing here makes ${named(operation)} succeed: ${[...answers].join('\n')}`)
}

interface Answer {
  status: number
  /** Without what was asked for, which an answer may repeat. */
  text: string
}

async function ask(
  api: Api,
  { method }: Operation,
  path: string,
  body: unknown,
  repeated: string[],
): Promise<Answer> {
  const answer = await api.call(method.toUpperCase(), path, body)
  const text =
    answer.body === undefined
      ? ''
      : JSON.stringify(answer.body, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
  return { status: answer.status, text: repeated.reduce((left, id) => left.replaceAll(id, ''), text) }
}

/**
 * Every row of every table in which the mark or the id of the shop stands, but for what the other one asked for and what
 * the clock notes.
 */
async function rowsOf({ id }: Shop): Promise<string[]> {
  const other = shops.second.id
  const tables = await sql<{ name: string }[]>`
    SELECT relname AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND relname <> 'secret_uses' ORDER BY relname`
  const rows: string[] = []
  for (const { name } of tables) {
    const found = await sql<{ row: string }[]>`
      SELECT row::text FROM ${sql(name)} AS row
      WHERE (position(${id} IN row::text) > 0 OR position(${MARK} IN row::text) > 0)
        AND position(${other} IN row::text) = 0`
    rows.push(...found.map(({ row }) => `${name} ${row}`))
  }
  return rows.toSorted()
}

async function latestEntry(): Promise<string> {
  return (await shops.road.api.call('GET', '/audit-log?limit=1')).body.items[0].id
}

/** An application that may go, and a source that publishes addresses. */
async function idsForAll(): Promise<string[]> {
  return [(await shops.road.api.application(`empty-${newId()}`)).id, 'github']
}
