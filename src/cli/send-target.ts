import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { SETTINGS } from '../platform/settings.ts'
import {
  type Connections,
  exchange,
  type Imitation,
  SimulationError,
  wrongKindsOf,
} from '../simulator/simulator.ts'
import type { SendOptions, Wanted } from './send-options.ts'

/** Where a request goes. */
export interface Target {
  readonly url: string
  /** Where to ask about the integration, for who has a key to its API and named it by its id. */
  readonly question: { readonly url: string; readonly adminKey: string } | undefined
}

/** What the Sluice that runs here wrote down. */
interface RunningHere {
  readonly url: string
  readonly adminKey: string
  readonly integrationId: string
}

/** @throws SimulationError when there is no address, or what is given is none. */
export async function findTarget(options: Pick<SendOptions, 'to' | 'gateway' | 'adminKey'>): Promise<Target> {
  const { to } = options
  if (to !== undefined && /^https?:\/\//i.test(to))
    return { url: checkedUrl('--to', to), question: undefined }
  // Neither its demo nor its key is the business of another gateway.
  const here = options.gateway === undefined ? await runningHere() : undefined
  const gateway = (options.gateway && checkedUrl('--gateway', options.gateway)) ?? here?.url
  const address = to ?? here?.integrationId
  if (address === undefined)
    throw new SimulationError('--to is missing: the id of an integration, or its whole address')
  if (gateway === undefined)
    throw new SimulationError(
      `no Sluice runs on ${homeFolder()}, so nobody knows where the integration ${address} is: ` +
        'give --gateway http://…, or its whole address with --to',
    )
  const base = gateway.replace(/\/+$/, '')
  const [id = '', ...rest] = address.split('/').map(encodeURIComponent)
  const adminKey = options.adminKey || process.env.SLUICE_ADMIN_KEY || here?.adminKey
  return {
    url: [base, 'integration', id, ...rest].join('/'),
    question: adminKey ? { url: `${base}/api/v1/integrations/${id}`, adminKey } : undefined,
  }
}

const QUESTION_TIMEOUT_MS = 5_000

/** What the gateway knows of the integration that does not go with the request. Nothing where it cannot be asked. */
export async function warningsAbout(
  { url, question }: Target,
  { imitation, wanted, connections }: { imitation: Imitation; wanted: Wanted; connections: Connections },
): Promise<string[]> {
  if (!question) return []
  const headers = { Authorization: `Bearer ${question.adminKey}`, Accept: 'application/json' }
  const request = { method: 'GET', url: question.url, headers, body: Buffer.alloc(0) }
  const answer = await exchange(request, connections, QUESTION_TIMEOUT_MS)
  if ('failure' in answer) return []
  // Only the API answers like this; another program, or a port for webhooks alone, knows of no integrations.
  const isApi = /json/.test(answer.headers['content-type'] ?? '')
  if (isApi && answer.status === 401)
    return ['the admin key is not accepted, so the integration was not looked at']
  if (isApi && answer.status === 404)
    return [`the gateway has no integration ${question.url.split('/').at(-1)}`]
  const integration = answer.status === 200 ? readIntegration(answer.body) : undefined
  if (!integration) return []
  return [
    ...mismatches(integration, imitation),
    ...addressWarning(integration, imitation, { ...wanted, url }),
  ]
}

interface IntegrationShown {
  readonly name?: string
  readonly enabled?: boolean
  readonly webhookUrl?: string
  readonly definition?: { readonly source?: string; readonly publicUrl?: string }
}

/** Undefined for what is no integration, or so large that its end is missing. */
function readIntegration(text: string): IntegrationShown | undefined {
  try {
    return JSON.parse(text) as IntegrationShown
  } catch {
    return undefined
  }
}

function mismatches({ name, enabled, definition }: IntegrationShown, imitation: Imitation): string[] {
  const warnings: string[] = []
  const { source } = definition ?? {}
  if (source !== undefined && source !== imitation.name)
    warnings.push(`the integration "${name}" is for ${source}, and this is a request of ${imitation.name}`)
  if (enabled === false) warnings.push(`the integration "${name}" is not enabled`)
  return warnings
}

/** A signature over an address is right only for the one that the gateway reckons with. */
function addressWarning(shown: IntegrationShown, { name }: Imitation, wanted: Wanted): string[] {
  const expected = shown.definition?.publicUrl ?? shown.webhookUrl
  const signed = wanted.signedUrl ?? wanted.url
  const isSigned = wrongKindsOf(name, { ...wanted, now: new Date(), event: '' }).includes('url')
  if (!isSigned || expected === undefined || expected === signed) return []
  return [`the address is signed, and the integration's is ${expected}: --signed-url ${expected} signs that`]
}

async function runningHere(): Promise<RunningHere | undefined> {
  const text = await readFile(path.join(homeFolder(), 'dev.json'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as RunningHere)
}

function homeFolder(): string {
  return process.env.SLUICE_HOME?.trim() || SETTINGS.SLUICE_HOME.fallback
}

function checkedUrl(option: string, text: string): string {
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null
  if (url) return text
  throw new SimulationError(`${option} is no address: ${text}`)
}
