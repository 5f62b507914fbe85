/**
 * Does a destination that hangs delay another? 10,000 deliveries to 50 destinations of which 5 never answer, against
 * the 9,000 to the other 45 alone, alternating in one run. Machines are noisy: the ratio counts, not the numbers.
 *
 *     npm run bench:fairness -- [--rounds 2] [--each 200] [--answer-ms 5]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type Gateway, startGateway } from '../src/cli/gateway.ts'
import { createLog } from '../src/platform/log.ts'
import { readSettings } from '../src/platform/settings.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2' },
    each: { type: 'string', default: '200' },
    'answer-ms': { type: 'string', default: '5' },
  },
})

const HEALTHY = 45
const HANGING = 5
/** Deliveries made by one event. */
const ITEMS = 10
const SENDERS = 16
const each = Number(values.each)

const receiver = await startReceiver(Number(values['answer-ms']))
const home = await mkdtemp(path.join(tmpdir(), 'sluice-bench-'))
const gateway = await openGateway()
try {
  const shop = await call('POST', '/applications', { slug: 'bench', name: 'bench' })
  const healthy = await integrations(shop.id, HEALTHY, 'ok')
  await measure('warming up', healthy, [])
  const ratios: number[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    const hanging = await integrations(shop.id, HANGING, 'hang')
    const alone = await measure('alone', healthy, [])
    const together = await measure('with 5 that hang', healthy, hanging)
    ratios.push(together / alone)
  }
  console.log(`ratio: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`)
} finally {
  receiver.close()
  await gateway.close()
  await rm(home, { recursive: true, force: true })
}
process.exit(0)

/** Seconds until the healthy destinations have everything. */
async function measure(name: string, healthy: string[], hanging: string[]): Promise<number> {
  const all = [...hanging, ...healthy]
  const expected = receiver.answered() + healthy.length * each
  // Interleaved, those that hang first.
  const events = Array.from({ length: each / ITEMS }, () => all).flat()
  const startedAt = performance.now()
  let next = 0
  const senders = Array.from({ length: SENDERS }, async () => {
    for (let id = events[next++]; id !== undefined; id = events[next++]) await sendTo(id)
  })
  await Promise.all(senders)
  while (receiver.answered() < expected) await new Promise((resolve) => setTimeout(resolve, 5))
  const seconds = (performance.now() - startedAt) / 1_000
  const rate = Math.round((healthy.length * each) / seconds)
  console.log(
    `${name}: ${seconds.toFixed(2)} s, ${rate} deliveries/s, ${receiver.hanging()} requests left hanging`,
  )
  return seconds
}

async function sendTo(integrationId: string): Promise<void> {
  const body = JSON.stringify(Array.from({ length: ITEMS }, (_, n) => ({ n, name: 'a small order' })))
  const response = await fetch(`${gateway.url}/integration/${integrationId}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  if (!response.ok) throw new Error(`not acked: ${response.status}`)
  await response.arrayBuffer()
}

async function integrations(applicationId: string, count: number, name: string): Promise<string[]> {
  const made = Array.from({ length: count }, async (_, index) => {
    const config = { kind: 'http', url: `${receiver.url}/${name}/${index}` }
    const destination = await call('POST', '/destinations', { applicationId, name, config })
    const nodes = [{ id: 'push', kind: 'push', destination: destination.id }]
    const definition = { nodes }
    return (await call('POST', '/integrations', { applicationId, name, definition })).id as string
  })
  return Promise.all(made)
}

async function call(method: string, at: string, body: object) {
  const response = await fetch(`${gateway.url}/api/v1${at}`, {
    method,
    headers: { authorization: `Bearer ${gateway.adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${method} ${at}: ${response.status} ${await response.text()}`)
  return (await response.json()) as { id: string }
}

function openGateway(): Promise<Gateway> {
  const settings = readSettings({
    SLUICE_HOME: home,
    RETRIEVE_ALLOWED_LIST: '127.0.0.1',
    OUTBOUND_ALLOWED: `127.0.0.1:${receiver.port}`,
    PORT: '0',
    DRAIN_MS: '0',
    LOG_LEVEL: 'error',
  })
  return startGateway({ settings, role: 'all', log: createLog('error') })
}

async function startReceiver(answerMs: number) {
  let answered = 0
  let hanging = 0
  const server = createServer((request, response) => {
    request.resume()
    if (request.url?.startsWith('/hang')) {
      hanging += 1
      return
    }
    setTimeout(() => {
      answered += 1
      response.end()
    }, answerMs)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    answered: () => answered,
    hanging: () => hanging,
    close: () => server.closeAllConnections(),
  }
}
