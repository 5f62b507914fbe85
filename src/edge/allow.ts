import type { Application, Integration, Integrations } from '../integrations/integrations.ts'
import {
  type Allowlist,
  allowsAddress,
  type CompiledAllowlist,
  compileAllowlist,
  domainsOf,
  parseAllowlist,
} from '../integrations/integrations.ts'
import { presetOf } from '../sources/sources.ts'
import { type Arrival, headerOf } from './arrival.ts'
import type { DomainCheck } from './domain-check.ts'
import { Refusal } from './refusal.ts'
import type { SourceAddress } from './source-address.ts'

/** Who is called: known or not, the address is judged in the same way and time. */
export interface Callee {
  application: Application | undefined
  integration: Integration | undefined
  allowlist: CompiledAllowlist
}

export interface AllowOptions {
  integrations: Integrations
  /** RETRIEVE_ALLOWED_LIST. */
  common: Allowlist
}

/** Finds who is called. An integration under another application's host name does not exist there. */
export function createCallees({ integrations, common }: AllowOptions): (arrival: Arrival) => Callee {
  const commonOnly = compileAllowlist([common])
  let compiled = new WeakMap<Integration, CompiledAllowlist>()
  // An application's list or a published one may be another, and the integration the same.
  integrations.onReload(() => {
    compiled = new WeakMap()
  })

  function allowlistOf(integration: Integration, application: Application): CompiledAllowlist {
    const known = compiled.get(integration)
    if (known) return known
    const allowlist = compileAllowlist([common, ...listsOf(integration, application, integrations)])
    compiled.set(integration, allowlist)
    return allowlist
  }

  return (arrival) => {
    const integration = integrations.integration(arrival.integrationId)
    const application = integration && integrations.application(integration.applicationId)
    if (!integration || !application || (arrival.slug !== undefined && application.slug !== arrival.slug)) {
      return { application: undefined, integration: undefined, allowlist: commonOnly }
    }
    return { application, integration, allowlist: allowlistOf(integration, application) }
  }
}

function listsOf(
  integration: Integration,
  application: Application,
  integrations: Integrations,
): Allowlist[] {
  const { allowedList, allowPublished, source } = integration.definition
  const published = allowPublished ? integrations.publishedAddresses(source) : []
  return [application.allowedList, allowedList, published].map(readList)
}

/** What all lists together name: the same for everyone who calls, so that it tells nothing about who is called. */
export interface Everywhere {
  /** Every domain of every list. */
  domains: readonly string[]
  /** Headers of the sources that may prove themselves to be of a listed domain. */
  proofHeaders: ReadonlySet<string>
  /** The largest body that any integration takes which has a limit of its own. */
  bodyBytesMax: number
}

/** Read anew whenever definitions are. */
export function collectEverywhere({ integrations, common }: AllowOptions): () => Everywhere {
  let everywhere: Everywhere = { domains: [], proofHeaders: new Set(), bodyBytesMax: 0 }
  function collect(): void {
    const lists = [
      ...integrations.applications().map((application) => application.allowedList),
      ...integrations.integrations().map((integration) => integration.definition.allowedList),
    ]
    const domains = domainsOf(compileAllowlist([common, ...lists.map(readList)]))
    const provable = integrations
      .integrations()
      .filter(({ definition }) => provableDomains(definition.source, domains).length > 0)
    const limits = provable.map(({ definition }) => definition.limits.bodyBytesMax ?? 0)
    everywhere = {
      domains,
      proofHeaders: new Set(provable.flatMap(({ definition }) => proofHeadersOf(definition))),
      bodyBytesMax: Math.max(0, ...limits),
    }
  }
  collect()
  integrations.onReload(collect)
  return () => everywhere
}

function proofHeadersOf({ source, proof }: Integration['definition']): readonly string[] {
  const signedBy = presetOf(source).proof?.signedBy ?? []
  if (proof === null) return []
  return typeof signedBy === 'function' ? signedBy(proof) : signedBy
}

/** The domains of a list that a proof of this source stands for. */
function provableDomains(source: string, domains: readonly string[]): string[] {
  const { senderDomains } = presetOf(source)
  return domains.filter((domain) => senderDomains.includes(domain))
}

export interface AddressRules {
  everywhere(): Everywhere
  domainCheck: DomainCheck
  /** Embedded mode on a loopback listener: the newcomer's own machine may send. */
  loopbackAllowed: boolean
}

const FORWARDED_HEADER = /^(x-forwarded(-.*)?|forwarded|x-real-ip|via|(x|true)-client-ip|cf-.*)$/
const LOOPBACK = /^(127\.|::1$)/

/** A stranger carries what may prove him to be of a listed domain: his body is worth reading. */
export type Welcome = 'allowed' | 'stranger'

/**
 * Lets an address pass that the allowlist names, or whose domain it names.
 *
 * @throws Refusal, the same for ids that exist and ids that do not.
 */
export async function allowAddress(
  from: SourceAddress,
  arrival: Arrival,
  callee: Callee,
  rules: AddressRules,
): Promise<Welcome> {
  if ('malformed' in from) throw new Refusal('malformed_address', from.malformed)
  if (allowsAddress(callee.allowlist, from.address)) return 'allowed'
  if (rules.loopbackAllowed && LOOPBACK.test(from.address) && !isForwarded(arrival)) return 'allowed'
  for (const header of rules.everywhere().proofHeaders)
    if (headerOf(arrival, header) !== undefined) return 'stranger'
  await allowDomain(from.address, callee, rules)
  return 'allowed'
}

/**
 * Lets a stranger pass who has proven to be a source of a listed domain, or whose address has its name.
 *
 * @throws Refusal, the same for ids that exist and ids that do not.
 */
export async function allowStranger(
  from: SourceAddress,
  callee: Callee,
  proven: boolean,
  rules: AddressRules,
): Promise<void> {
  if ('malformed' in from) throw new Refusal('malformed_address', from.malformed)
  const source = proven ? callee.integration?.definition.source : undefined
  if (source !== undefined && provableDomains(source, domainsOf(callee.allowlist)).length > 0) return
  await allowDomain(from.address, callee, rules)
}

/**
 * The question is put for all domains there are, whoever is called: asked only for a callee's own, the time that DNS
 * takes would tell a stranger which ids exist.
 */
async function allowDomain(
  address: string,
  callee: Callee,
  { domainCheck, everywhere }: AddressRules,
): Promise<void> {
  const verdict = await domainCheck.check(address, domainsOf(callee.allowlist), everywhere().domains)
  if (!verdict.allowed) throw new Refusal(verdict.undecided ? 'address_undecided' : 'not_allowed', address)
}

/** A short name for a callee's bucket of counters; unknown ids share one, or strangers could make any number. */
export function bucketOf(callee: Callee | undefined): string {
  return callee?.integration?.id ?? 'unknown'
}

function isForwarded(arrival: Arrival): boolean {
  return Object.keys(arrival.incoming.headers).some((name) => FORWARDED_HEADER.test(name))
}

/** Lists are checked where they are saved, so a fault here is a defect. */
function readList(entries: readonly string[]): Allowlist {
  const reading = parseAllowlist(entries)
  if ('errors' in reading) throw new Error(`a stored allowlist cannot be read: ${reading.errors.join('; ')}`)
  return reading.allowlist
}
