/** A gateway to which vectors are sent, one after the other, each to an integration of its own. */
import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { startGateway } from '../../src/cli/gateway.ts'
import { readSettings } from '../../src/platform/settings.ts'
import { PRESETS } from '../../src/sources/sources.ts'
import { givenProof, toolsOf } from '../sources/vector-proof.ts'
import { type Api, apiAt } from '../world/api.ts'
import { eventually } from '../world/eventually.ts'
import { clockOf } from './certificates.ts'
import { type Answer, exchange } from './exchange.ts'
import type { Place } from './place.ts'
import type { Case } from './read-file.ts'

export interface Stage {
  play(one: Case): Promise<Played | Unplayed>
  close(): Promise<void>
}

/** What became of a vector. */
export interface Played {
  answer: Answer
  /** As the events list of the API shows them, newest first. */
  events: ShownEvent[]
  /** How the requests log tells of it. */
  outcome: string
  note: string
  /** The events after the same request came a second time, where the vector says what becomes of it then. */
  eventsAfterAll: ShownEvent[] | undefined
}

export interface ShownEvent {
  state: string
  dedupeKey: string | null
  source: Record<string, string | null>
}

/** Why a vector could not even be sent. */
export interface Unplayed {
  problem: string
  /** No integration can have an empty secret, which anyone could sign with: that is a refusal of its own. */
  isEmptySecret?: boolean
}

export interface StageOptions {
  place: Place
  /** In which the chains of the vectors' certificates may end, in PEM. */
  rootCertificates: readonly string[]
}

const ADMIN_KEY = randomBytes(24).toString('hex')
const LOGGED_WITHIN_MS = 20_000

export async function openStage({ place, rootCertificates }: StageOptions): Promise<Stage> {
  // Time and keys are those of the vector that is being played.
  let now = () => new Date()
  let fetchText = async (_url: string): Promise<string | undefined> => undefined
  const defects: string[] = []
  const gateway = await startGateway({
    settings: readSettings({ ...SETTINGS, ...place.env }),
    role: 'edge',
    log: pino({ level: 'error' }, { write: (line) => void defects.push(line.trim()) }),
    proofs: { now: () => now(), fetchText: (url) => fetchText(url), rootCertificates },
  })
  const api = apiAt(`http://127.0.0.1:${gateway.adminPort}`, gateway.adminKey || ADMIN_KEY)
  const { id: applicationId } = await api.application('vectors')

  async function playAt(id: string, { vector, request }: Case): Promise<Played | Unplayed> {
    const path = `/integration/${id}${request.search}`
    const { pinned, fetchText: fetch } = toolsOf(vector)
    fetchText = fetch
    if (pinned) {
      const { status } = await exchange(gateway.port, path, introductionOf(pinned))
      if (status !== 200) return { problem: `the handshake before it was answered with ${status}` }
    }
    now = clockOf(vector)
    const answer = await exchange(gateway.port, path, request)
    const logged = await lastLogged(api, id, pinned ? 2 : 1)
    const events = await eventsOf(api, id)
    const { dedupeKey, dedupeByBodyHash } = vector.expect ?? {}
    const isSentAgain = events.length > 0 && (dedupeKey !== undefined || dedupeByBodyHash !== undefined)
    if (isSentAgain) await exchange(gateway.port, path, request)
    return {
      answer,
      events,
      outcome: logged?.outcome ?? 'unknown',
      note: logged === undefined ? 'nothing in the requests log' : noteOf(logged, defects.splice(0)),
      eventsAfterAll: isSentAgain ? await eventsOf(api, id) : undefined,
    }
  }

  return {
    async play(one) {
      now = () => new Date()
      const created = await createIntegration(api, applicationId, one)
      if ('problem' in created) return created
      try {
        return await playAt(created.id, one)
      } finally {
        // Every process holds all integrations there are, and a file may have any number of vectors.
        await api.call('DELETE', `/integrations/${created.id}`)
      }
    },
    close: () => gateway.close(),
  }
}

const SETTINGS = {
  PORT: '0',
  HOST: '127.0.0.1',
  RETRIEVE_ALLOWED_LIST: '127.0.0.1',
  SLUICE_ADMIN_KEY: ADMIN_KEY,
  SLUICE_MASTER_KEY: randomBytes(32).toString('base64'),
  SANDBOX_PROCESSES: '1',
  // The operator's note on every single one is wanted.
  REFUSALS_LOGGED_PER_MINUTE: '1000000',
  // What a slow PostgreSQL kept waiting would go to the journal, where nobody looks.
  STORE_WAIT_MS: '15000',
  LEDGER_SLOW_MS: '7000',
}

async function createIntegration(
  api: Api,
  applicationId: string,
  { name, vector, request: { publicUrl } }: Case,
): Promise<{ id: string } | Unplayed> {
  if (!PRESETS.has(vector.source)) return { problem: `there is no source preset "${vector.source}"` }
  const isQuestion = vector.kind !== undefined && vector.secret === null && vector.source !== 'tilby'
  const proof = isQuestion && vector.proof === undefined ? null : givenProof(vector)
  const definition = { source: vector.source, proof, publicUrl, nodes: [{ id: 'keep', kind: 'transform' }] }
  const input = { applicationId, name: name.slice(0, 100), definition }
  const { status, body } = await api.call('POST', '/integrations', input)
  if (status === 201) return body
  const faults = (body.errors ?? []).map(
    (fault: { path: string; message: string }) => `${fault.path}: ${fault.message}`,
  )
  return {
    problem: `the API takes no such integration: ${faults.join('; ') || (body.detail ?? status)}`,
    isEmptySecret: vector.secret === '',
  }
}

/** The handshake of Tilby, the one source that is pinned by one. */
function introductionOf(pinned: Readonly<Record<string, string>>) {
  const headers: [string, string][] = [['content-type', 'application/json']]
  const body = Buffer.from(JSON.stringify({ type: 'SUBSCRIBED', entity_name: 'sales', ...pinned }))
  return { method: 'POST', headers, body }
}

async function eventsOf(api: Api, integrationId: string): Promise<ShownEvent[]> {
  return api.events(`?integrationId=${integrationId}&limit=500`)
}

interface LoggedRequest {
  outcome: string
  status: number
  detail: string | null
}

/** Refusals and handshakes are answered first and written down right afterwards. */
async function lastLogged(api: Api, integrationId: string, sent: number): Promise<LoggedRequest | undefined> {
  const ask = async () => (await api.call('GET', `/requests?integrationId=${integrationId}`)).body.items
  return eventually(async () => {
    const items: LoggedRequest[] = await ask()
    if (items.length < sent) throw new Error('not written yet')
    return items[0]
  }, LOGGED_WITHIN_MS).catch(() => undefined)
}

function noteOf({ outcome, detail }: LoggedRequest, defects: string[]): string {
  return [detail === null ? outcome : `${outcome}: ${detail}`, ...defects].join('\n')
}
