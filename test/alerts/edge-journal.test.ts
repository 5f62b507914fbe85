/** What an edge tells of its own journal, whether the database is there or not. */
import { mkdtemp, readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import type { EdgeJournal } from '../../src/alerts/alerts.ts'
import { cameTo, type Road } from '../road/world.ts'
import { eventually } from '../world/eventually.ts'
import { CHANNEL_SECRET, type Looker, openLooker, openQuietRoad } from './world.ts'

let road: Road
let looker: Looker
let folder: string
let edge: EdgeJournal
const signal = new AbortController().signal

const WELL = { away: null, problem: null, records: 0, oldestAgeMs: null, setAside: 0, damaged: 0 }
const away = (seconds = 90) => ({
  ...WELL,
  away: { since: new Date(Date.now() - seconds * 1_000), reason: 'the database did not answer in time' },
  records: 7,
  oldestAgeMs: seconds * 1_000,
})

beforeAll(async () => {
  road = await openQuietRoad()
  looker = openLooker(road)
})
afterAll(async () => {
  await looker.close()
  await road.close()
})
beforeEach(async () => {
  folder = await mkdtemp(path.join(inject('scratch'), 'alerts-'))
  edge = openEdge()
})
afterEach(async () => {
  await edge.close()
  await looker.sql`DELETE FROM incidents`
  await looker.sql`DELETE FROM alert_channels`
  await looker.sql`DELETE FROM alert_rules`
  road.receiver.requests.length = 0
})

function openEdge(): EdgeJournal {
  return looker.alerts.edgeJournal({
    id: 'host:/home',
    name: 'host:/home',
    copyFile: path.join(folder, 'alert-channels.json'),
  })
}

async function channel(more: object = {}): Promise<string> {
  const { body } = await road.api.call('POST', '/alert-channels', {
    name: 'on call',
    config: { kind: 'webhook', url: `${road.receiver.url}/alerts`, secret: CHANNEL_SECRET },
    ...more,
  })
  return body.id
}

/** The messages that came, as `<type>: <sentence>`. */
function heard(): string[] {
  return cameTo(road.receiver, '/alerts').map((body) => {
    const { type, data } = JSON.parse(body)
    return `${type}: ${data.incident.sentence}`
  })
}

const SENTENCE =
  'edge "host:/home" has kept requests in its journal for 90 seconds (the database did not answer in time); 7 acknowledged requests waiting'

test('is told directly while the database is away, once, and once when it is over; then it is an incident as others', async () => {
  const id = await channel()
  await edge.look(WELL, signal)
  await edge.look(away(30), signal)
  expect(heard()).toEqual([])
  await edge.look(away(), signal)
  await edge.look(away(), signal)
  expect(heard()).toEqual([`incident.opened: ${SENTENCE}`])
  expect(await looker.open('journal')).toEqual([])

  await edge.look(WELL, signal)
  const [incident] = await looker
    .recovered('journal')
    .then(async (over) => [...over, ...(await looker.open('journal'))])
  expect(incident).toMatchObject({ sentence: SENTENCE, applicationId: null })
  await edge.look(WELL, signal)
  expect(await looker.open('journal')).toEqual([])
  await looker.send()
  expect(heard()).toEqual([`incident.opened: ${SENTENCE}`, `incident.recovered: ${SENTENCE}`])
  const { body } = await road.api.call('GET', `/incidents/${incident?.id}`)
  expect(
    body.messages.map(({ channelId, kind }: { channelId: string; kind: string }) => [channelId, kind]),
  ).toEqual([
    [id, 'opened'],
    [id, 'recovered'],
  ])
})

test('is tried again with the next look where it could not be told, and left to the usual way when the database is there first', async () => {
  await channel()
  await edge.look(WELL, signal)
  road.receiver.answerWith(500)
  await edge.look(away(), signal)
  await edge.look(away(), signal)
  expect(heard()).toHaveLength(2)
  road.receiver.answerWith(200)
  await edge.look({ ...WELL, records: 7, oldestAgeMs: 90_000 }, signal)
  await looker.send()
  expect(heard()).toHaveLength(3)
  expect(await looker.open('journal')).toHaveLength(1)
})

test('knows after a restart without the database whom to tell, and the copy holds no open secret', async () => {
  await channel()
  await edge.look(WELL, signal)
  await edge.close()
  const copy = await readFile(path.join(folder, 'alert-channels.json'), 'utf8')
  expect(copy).not.toContain(CHANNEL_SECRET)
  expect(copy).toContain('sealed:')
  edge = openEdge()
  await edge.look(away(), signal)
  expect(heard()).toEqual([`incident.opened: ${SENTENCE}`])
})

test.each([
  ['cannot be written', { problem: 'no space left' }, 'cannot write its journal: no space left'],
  [
    'holds what PostgreSQL does not take',
    { setAside: 2 },
    'set aside 2 acknowledged requests that PostgreSQL does not take',
  ],
  ['is damaged', { damaged: 1 }, 'has 1 part of its journal that cannot be read'],
])('is wrong at once when it %s', async (_, standing, sentence) => {
  await edge.look({ ...WELL, ...standing }, signal)
  expect(await looker.open('journal')).toMatchObject([{ sentence: `edge "host:/home" ${sentence}` }])
})

test('is looked at as a rule says, for all edges alike', async () => {
  const rule = { when: { condition: 'journal', olderThanSeconds: 3_600 } }
  const { body } = await road.api.call('POST', '/alert-rules', rule)
  await edge.look(WELL, signal)
  await channel()
  await edge.look(away(), signal)
  expect(heard()).toEqual([])
  await road.api.call('PATCH', `/alert-rules/${body.id}`, { enabled: false })
  await edge.look({ ...WELL, setAside: 1 }, signal)
  expect(await looker.open('journal')).toEqual([])
})

test('is no business of channels for one application, nor of whoever looks at all others', async () => {
  const shop = { applications: [road.shop] }
  for (const more of [shop, { applicationId: road.shop }, { conditions: ['dead_run'] }, { enabled: false }])
    await channel(more)
  await edge.look(WELL, signal)
  await edge.look(away(), signal)
  await edge.look({ ...WELL, setAside: 1 }, signal)
  await looker.send()
  expect(heard()).toEqual([])
  await looker.look()
  await looker.look()
  expect(await looker.open('journal')).toHaveLength(1)
  // Of an edge that is gone nobody else can say that it is well.
  await looker.sql`UPDATE incidents SET last_seen_at = now() - interval '8 days'`
  await looker.look()
  await eventually(async () => expect(await looker.open('journal')).toEqual([]))
})
