import type { Visit } from '../../src/admin/admin.ts'
import type { FetchText } from '../../src/integrations/integrations.ts'
import { newId } from '../../src/platform/ids.ts'
import { CHANNEL_SECRET, created, openLooker, openQuietRoad } from '../alerts/world.ts'
import { holdOne } from '../ledger/world.ts'
import type { Road } from '../road/world.ts'
import { eventually } from '../world/eventually.ts'
import { type Api, apiAt } from '../world/gateway.ts'
import { LATER } from './dying.ts'

/** Stands in everything that the first shop has, and nowhere else. */
export const MARK = 'mark-of-the-first-shop'

export interface Shop {
  id: string
  /** With a key for this shop alone that may do everything. */
  api: Api
  keyId: string
  /** Ids of what belongs to it, by what they are of. */
  ids: Record<string, string[]>
}

export interface TwoShops {
  road: Road
  /** Has one of everything, several where requests use them up. */
  first: Shop
  /** Has a destination and an integration. */
  second: Shop
  close(): Promise<void>
}

const EVENTS = 5
const FILTERED = 40
const PERSON = 'somebody-to-be-forgotten'
const PROOF = { scheme: 'header', header: 'x-pin', secrets: [{ secret: 'the sender knows it' }] }
const SENDER = { 'x-pin': 'the sender knows it' }
const LIMIT = 'limit=500'

/** Two shops on one gateway that does nothing by itself. */
export async function openTwoShops(): Promise<TwoShops> {
  const visit: Visit = async () => ({ ok: true, status: 200 })
  const fetchText: FetchText = async () => ({ ok: true, text: '{"hooks":["192.30.252.0/22"]}' })
  const env = { FAILED_KEYS_PER_MINUTE: '100000' }
  const road = await openQuietRoad({ env, outside: { visit, fetchText } })
  road.receiver.answerWith(({ url }) => (url.includes('dead') ? 410 : url.includes('later') ? 503 : 200))
  const [first, second] = [await openFirst(road), await openSecond(road)]
  return { road, first, second, close: () => road.close() }
}

async function openSecond(road: Road): Promise<Shop> {
  const { id } = await road.api.application('second-shop')
  const { api, keyId } = await keyFor(road, id, 'of the second')
  const destination = await road.api.destination(id, `${road.receiver.url}/second`)
  const nodes = [{ id: 'push', kind: 'push', destination: destination.id }]
  const integration = await road.api.integration(id, { nodes })
  const ids = { application: [id], destination: [destination.id], integration: [integration.id] }
  return { id, api, keyId, ids }
}

/** The first shop while it is filled. */
interface Filling extends Shop {
  road: Road
  note(kind: string, ...ids: string[]): void
  make(kind: string, path: string, body: object): Promise<string>
}

async function openFirst(road: Road): Promise<Shop> {
  const { id } = await road.api.application(MARK, { allowedList: [`${MARK}.example`] })
  const { api, keyId } = await keyFor(road, id, MARK)
  const ids: Shop['ids'] = { application: [id] }
  const note = (kind: string, ...more: string[]) => {
    ids[kind] = [...(ids[kind] ?? []), ...more]
  }
  const filling: Filling = {
    ...{ id, api, keyId, ids, road, note },
    async make(kind, path, body) {
      const made = await created(road, path, { applicationId: id, name: MARK, ...body })
      note(kind, made.id)
      return made.id
    },
  }
  await makeDefinitions(filling)
  await makeHandshakes(filling)
  await makeAlerts(filling)
  await filling.make('API key', '/api-keys', { role: 'viewer' })
  await makeEvents(filling)
  await noteWhatCame(filling)
  await makeDecisions(filling)
  await makeIncidents(filling)
  return { id, api, keyId, ids }
}

async function makeDefinitions({ road, make }: Filling): Promise<void> {
  const integration = (name: string, definition: object) =>
    make('integration', '/integrations', {
      id: `${MARK}-${name}`,
      definition: { proof: PROOF, ...definition },
    })
  const targets: string[] = []
  for (const path of ['dead', 'later', 'well', 'spare']) {
    const url = `${road.receiver.url}/${MARK}/${path}`
    const config = { kind: 'http', url, retry: LATER }
    targets.push(await make('destination', '/destinations', { config }))
  }
  const source = `throw new Error('${MARK}')`
  for (const name of [`${MARK}-fails`, `${MARK}-spare`])
    await make('rewrite function', '/functions', { name, source })
  const pushes = targets
    .slice(0, 3)
    .map((target, index) => ({ id: `push-${index}`, kind: 'push', destination: target }))
  await integration('orders', {
    nodes: [{ id: 'map', kind: 'transform', next: pushes.map((push) => push.id) }, ...pushes],
  })
  await integration('fails', { nodes: [{ id: 'map', kind: 'transform', function: `${MARK}-fails` }] })
  const branches = [{ when: { path: 'never', op: 'exists' }, next: [] }]
  await integration('filters', { nodes: [{ id: 'if', kind: 'decision', branches }] })
  await integration('spare', { nodes: [{ id: 'map', kind: 'transform' }] })
}

/** Integrations whose source pins its sender, and whose source gave an address to confirm. */
async function makeHandshakes({ road, make }: Filling): Promise<void> {
  const nodes = [{ id: 'map', kind: 'transform' }]
  await make('integration', '/integrations', { definition: { source: 'tilby', proof: {}, nodes } })
  const adobe = { source: 'adobe-io-events', proof: { clientId: MARK }, nodes }
  const confirmable = await make('integration', '/integrations', { definition: adobe })
  const note = { kind: 'validation', note: { validationUrl: `https://csm.adobe.io/csm/${MARK}` } }
  await road.world.gateway.integrations.noteHandshake(confirmable, note, new Date())
}

async function makeAlerts({ road, make, note }: Filling): Promise<void> {
  const url = `${road.receiver.url}/alerts/${MARK}`
  for (const config of Array<object>(2).fill({ kind: 'webhook', url, secret: CHANNEL_SECRET }))
    await make('alert channel', '/alert-channels', { config })
  const when = { condition: 'silence', silentAfterMinutes: 1 }
  for (const integrationId of [`${MARK}-orders`, `${MARK}-fails`])
    note('alert rule', (await created(road, '/alert-rules', { integrationId, when })).id)
}

async function makeEvents({ road, id }: Filling): Promise<void> {
  const send = (to: string, body: object) =>
    road.world.send(`${MARK}-${to}`, JSON.stringify({ mark: MARK, ...body }), SENDER)
  for (let number = 0; number < EVENTS; number++) {
    await send('orders', { number })
    await send('fails', { number })
  }
  for (let number = 0; number < FILTERED; number++) await send('filters', { number })
  await send('spare', { person: PERSON })
  const countOf = async (path: string): Promise<number> =>
    (await road.api.call('GET', `${path}&applicationId=${id}&${LIMIT}`)).body.items.length
  // Nothing goes on any more but what waits for an hour.
  await eventually(async () => {
    const counts = {
      dead: await countOf('/dead-letters?'),
      filtered: await countOf('/events?status=filtered'),
      retrying: await countOf('/deliveries?state=retrying'),
      delivered: await countOf('/deliveries?state=delivered'),
      queued: await countOf('/events?status=queued'),
    }
    const wanted = { dead: 2 * EVENTS, filtered: FILTERED, retrying: EVENTS, delivered: EVENTS, queued: 0 }
    if (JSON.stringify(counts) !== JSON.stringify(wanted)) throw new Error(JSON.stringify(counts))
  }, 60_000)
}

async function noteWhatCame({ road, id, note }: Filling): Promise<void> {
  const idsOf = async (path: string): Promise<string[]> =>
    (await road.api.call('GET', `${path}?applicationId=${id}&${LIMIT}`)).body.items.map(
      (item: { id: string }) => item.id,
    )
  note('event', ...(await idsOf('/events')))
  note('delivery', ...(await idsOf('/deliveries')))
  note('dead letter', ...(await idsOf('/dead-letters')))
  note('request', ...(await idsOf('/requests')))
}

/** Events that were held, a replay that has ended, and erasures that wait to be confirmed. */
async function makeDecisions({ road, id, note }: Filling): Promise<void> {
  for (let number = 0; number < 3; number++) {
    const body = Buffer.from(JSON.stringify({ mark: MARK, held: number }))
    const request = { id: newId(), integrationId: `${MARK}-orders`, applicationId: id, body, detail: MARK }
    note('event', await holdOne(road.world.gateway.ledger, request))
  }
  const filter = { applicationId: id, text: `${MARK} that nobody sent` }
  const replay = await road.api.call('POST', '/replays', { of: 'dead-letters', filter })
  note('replay', replay.body.id)
  for (let number = 0; number < 2; number++) {
    const wanted = { search: PERSON, applicationId: id, integrationId: `${MARK}-spare`, reason: MARK }
    const erasure = (await road.api.call('POST', '/erasures', wanted)).body
    note('erasure', erasure.id)
    await eventually(async () => {
      const { state, matched } = (await road.api.call('GET', `/erasures/${erasure.id}`)).body
      if (state !== 'found' || matched === 0) throw new Error(`the erasure is ${state}, found: ${matched}`)
    }, 60_000)
  }
}

async function makeIncidents({ road, id, note }: Filling): Promise<void> {
  const looker = openLooker(road)
  await looker.look(120_000)
  await looker.send()
  await looker.close()
  const { items } = (await road.api.call('GET', `/incidents?applicationId=${id}`)).body
  note('incident', ...items.map((incident: { id: string }) => incident.id))
}

/** A replay that takes longer than anybody needs to find it, and its id. */
export async function beginReplay({ api }: Shop): Promise<string> {
  const filter = { integrationId: `${MARK}-filters`, state: 'filtered' }
  const { status, body } = await api.call('POST', '/replays', { of: 'events', perSecond: 1, filter })
  if (status !== 202) throw new Error(`no replay began: ${status} ${JSON.stringify(body)}`)
  return body.id
}

async function keyFor(road: Road, applicationId: string, name: string) {
  const made = await created(road, '/api-keys', { name, role: 'admin', applicationId })
  return { api: apiAt(road.world.url, String(made.key)), keyId: made.id }
}
