import type { Application, Integration, Integrations } from '../integrations/integrations.ts'
import {
  type Allowlist,
  allowsAddress,
  type CompiledAllowlist,
  compileAllowlist,
  domainsOf,
  parseAllowlist,
} from '../integrations/integrations.ts'
import type { Arrival } from './arrival.ts'
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
  const compiled = new WeakMap<Integration, CompiledAllowlist>()

  function allowlistOf(integration: Integration, application: Application): CompiledAllowlist {
    const known = compiled.get(integration)
    if (known) return known
    const lists = [application.allowedList, integration.definition.allowedList].map(readList)
    const allowlist = compileAllowlist([common, ...lists])
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

/** Every domain of every list, read anew whenever definitions are. */
export function collectDomains({ integrations, common }: AllowOptions): () => readonly string[] {
  let domains: readonly string[] = []
  function collect(): void {
    const lists = [
      ...integrations.applications().map((application) => application.allowedList),
      ...integrations.integrations().map((integration) => integration.definition.allowedList),
    ]
    domains = domainsOf(compileAllowlist([common, ...lists.map(readList)]))
  }
  collect()
  integrations.onReload(collect)
  return () => domains
}

export interface AddressRules {
  /** Every domain of every list, see {@link allowAddress}. */
  allDomains(): readonly string[]
  domainCheck: DomainCheck
  /** Embedded mode on a loopback listener: the newcomer's own machine may send. */
  loopbackAllowed: boolean
}

const FORWARDED_HEADER = /^(x-forwarded(-.*)?|forwarded|x-real-ip|via|(x|true)-client-ip|cf-.*)$/
const LOOPBACK = /^(127\.|::1$)/

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
): Promise<string> {
  if ('malformed' in from) throw new Refusal('malformed_address', from.malformed)
  if (allowsAddress(callee.allowlist, from.address)) return from.address
  if (rules.loopbackAllowed && LOOPBACK.test(from.address) && !isForwarded(arrival)) return from.address
  await allowDomain(from.address, callee, rules)
  return from.address
}

/**
 * The question is first put for all domains there are, whoever is called: asked only for a callee's own, the time
 * that DNS takes would tell a stranger which ids exist. What it found is remembered, so asking again costs nothing.
 */
async function allowDomain(
  address: string,
  callee: Callee,
  { domainCheck, allDomains }: AddressRules,
): Promise<void> {
  const everywhere = allDomains()
  if (everywhere.length === 0) throw new Refusal('not_allowed', address)
  const known = await domainCheck.check(address, everywhere)
  if (!known.allowed) throw new Refusal(known.undecided ? 'address_undecided' : 'not_allowed', address)
  const verdict = await domainCheck.check(address, domainsOf(callee.allowlist))
  if (!verdict.allowed) throw new Refusal('not_allowed', address)
}

/** A short name for a callee's bucket of counters; unknown ids share one, or strangers could make any number. */
export function bucketOf(callee: Callee | undefined): string {
  return callee?.integration?.id ?? 'unknown'
}

function isForwarded(arrival: Arrival): boolean {
  return Object.keys(arrival.incoming.headers).some((name) => FORWARDED_HEADER.test(name))
}

/** Lists are checked where they are saved, so a fault here is a defect. */
function readList(entries: string[]): Allowlist {
  const reading = parseAllowlist(entries)
  if ('errors' in reading) throw new Error(`a stored allowlist cannot be read: ${reading.errors.join('; ')}`)
  return reading.allowlist
}
