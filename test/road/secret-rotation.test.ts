import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../world/eventually.ts'
import { type EdgeProcess, type Fleet, startFleet } from './fleet.ts'
import { send, signedBy } from './senders.ts'
import { type SteadySender, startSteadySender } from './steady-sender.ts'

const OLD = 'the-old-secret'
const NEW = 'the-new-secret'
const ORDER = '{"id":820982911946154508}'
/** What each edge answers before the operator goes on. */
const LOAD = 60
const LOAD_WITHIN_MS = 60_000
/** An edge writes down every few seconds when secrets were last used. */
const USES_WITHIN_MS = 75_000

interface Shown {
  version: number
  definition: { proof: { secrets: GivenSecret[] } }
  secrets: { id: string; standing: string; lastUsedAt: string | null }[]
}

interface GivenSecret {
  id: string
  secret: string
  retiresAt?: string
}

let fleet: Fleet
let id: string
let sender: SteadySender

beforeAll(async () => {
  fleet = await startFleet({ worker: false })
  const [one] = fleet.edges
  const shop = await one.api.application('shop')
  const made = await one.api.integration(shop.id, {
    source: 'shopify',
    proof: { secrets: [{ id: 'old', secret: OLD }] },
    nodes: [{ id: 'keep', kind: 'transform' }],
  })
  id = made.id
  await fleet.haveVersion(id, 1)
  sender = startSteadySender({
    addresses: fleet.edges.map(addressAt),
    connectionsEach: 5,
    pauseMs: 40,
    secret: OLD,
    sign: (url, secret, number) =>
      signedBy('shopify', { url, secret, event: `order ${number}`, body: ORDER }),
  })
})

afterAll(async () => {
  await sender?.stop()
  await fleet?.close()
})

function addressAt({ url }: EdgeProcess): string {
  return `${url}/integration/${id}`
}

/** As one edge shows it, of all that were written down. */
async function lastUseAt(edge: EdgeProcess, secretId: string): Promise<Date | undefined> {
  const { secrets } = await shownAt(edge)
  const lastUsedAt = secrets.find((secret) => secret.id === secretId)?.lastUsedAt ?? undefined
  return lastUsedAt === undefined ? undefined : new Date(lastUsedAt)
}

async function shownAt({ api }: EdgeProcess): Promise<Shown> {
  return (await api.call('GET', `/integrations/${id}`)).body
}

/** As an operator does: what the API shows, with the secrets masked, is changed and given back. */
async function changeSecrets(
  at: EdgeProcess,
  change: (secrets: GivenSecret[]) => GivenSecret[],
): Promise<void> {
  const { definition, version } = await shownAt(at)
  const proof = { ...definition.proof, secrets: change(definition.proof.secrets) }
  const changed = await at.api.call('PATCH', `/integrations/${id}`, { definition: { ...definition, proof } })
  expect(changed.status).toBe(200)
  await fleet.haveVersion(id, version + 1)
}

/** Resolves once each edge has answered so many more requests that were signed with this. */
async function loadSignedWith(secret: string): Promise<void> {
  const from = sender.sent.length
  await eventually(() => {
    const sent = sender.sent.slice(from).filter((one) => one.secret === secret)
    for (const edge of fleet.edges)
      expect(sent.filter(({ to }) => to === addressAt(edge)).length).toBeGreaterThanOrEqual(LOAD)
  }, LOAD_WITHIN_MS)
  expect(sender.sent.filter(({ answer }) => answer !== 200)).toEqual([])
}

let probes = 0

/** What each edge answers to one request that is no part of the load. */
async function probe(secret: string): Promise<number[]> {
  const statuses: number[] = []
  for (const edge of fleet.edges) {
    const event = `probe ${probes++}`
    const { status } = await send(signedBy('shopify', { url: addressAt(edge), secret, event, body: ORDER }))
    statuses.push(status)
  }
  return statuses
}

/** The last use lies between the moment when the last request with it was sent, and that of the last answer. */
function expectLastUse(lastUsedAt: Date | undefined, secret: string): void {
  const sent = sender.sent.filter((one) => one.secret === secret)
  const latest = (moments: Date[]) => Math.max(...moments.map((moment) => moment.getTime()))
  expect(lastUsedAt?.getTime()).toBeGreaterThanOrEqual(latest(sent.map(({ sentAt }) => sentAt)))
  expect(lastUsedAt?.getTime()).toBeLessThanOrEqual(latest(sent.map(({ answeredAt }) => answeredAt)))
}

test('a secret is renewed under load on two edges without one refusal', { timeout: 300_000 }, async () => {
  const [one, two] = fleet.edges
  await loadSignedWith(OLD)
  expect(await probe(NEW)).toEqual([401, 401])

  await changeSecrets(one, (secrets) => [...secrets, { id: 'new', secret: NEW }])
  expect(await probe(NEW)).toEqual([200, 200])
  await loadSignedWith(OLD)

  await sender.switchTo(NEW)
  await loadSignedWith(NEW)
  // The operator sees by its last use that nobody signs with the old one any more.
  await eventually(async () => expectLastUse(await lastUseAt(one, 'old'), OLD), USES_WITHIN_MS)
  expectLastUse(await lastUseAt(two, 'old'), OLD)

  const retiresAt = new Date(Date.now() + 8_000).toISOString()
  await changeSecrets(two, (secrets) =>
    secrets.map((secret) => (secret.id === 'old' ? { ...secret, retiresAt } : secret)),
  )
  // Until then it is as good as ever.
  const probedFrom = Date.now()
  expect(await probe(OLD)).toEqual([200, 200])
  const probedTo = Date.now()
  await eventually(async () => {
    const standing = { secrets: [{ id: 'old', standing: 'retired' }, { standing: 'active' }] }
    for (const edge of fleet.edges) expect(await shownAt(edge)).toMatchObject(standing)
  })
  expect(await probe(OLD)).toEqual([401, 401])
  await loadSignedWith(NEW)

  await changeSecrets(one, (secrets) => secrets.filter((secret) => secret.id !== 'old'))
  expect(await probe(OLD)).toEqual([401, 401])
  await loadSignedWith(NEW)
  await sender.stop()

  expect(sender.sent.filter(({ answer }) => answer !== 200)).toEqual([])
  // The ledger has every one of them, and of refusals only what was tried on purpose.
  await eventually(async () => {
    const rows = await fleet.sql`
      SELECT outcome, detail, count(*)::int AS requests FROM requests WHERE integration_id = ${id}
      GROUP BY outcome, detail ORDER BY requests`
    expect(rows).toEqual([
      { outcome: 'unproven', detail: 'signed with a secret that is retired (old)', requests: 2 },
      { outcome: 'unproven', detail: expect.stringContaining('signed with another secret'), requests: 4 },
      { outcome: 'accepted', detail: null, requests: sender.sent.length + 4 },
    ])
  })
  // Edges that stop write down what they know of last uses. That a request was refused is no use.
  expect(await Promise.all([one.stop(), two.stop()])).toEqual([0, 0])
  const third = await fleet.startEdge()
  expectLastUse(await lastUseAt(third, 'new'), NEW)
  const [old] = await fleet.sql<{ at: Date }[]>`
    SELECT last_used_at AS at FROM secret_uses WHERE integration_id = ${id} AND secret_id = 'old'`
  expect(old?.at.getTime()).toBeGreaterThanOrEqual(probedFrom)
  expect(old?.at.getTime()).toBeLessThanOrEqual(probedTo)
})
