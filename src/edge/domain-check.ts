/** Whether an address belongs to a domain of the allowlist, as DNS tells it. */
import { Resolver } from 'node:dns/promises'
import { type Address, readAddress } from '../integrations/integrations.ts'
import { createDnsQuestions, type DnsAnswer, type DnsLimits, type DnsQuestions } from './dns-questions.ts'

export interface DomainCheckOptions {
  /** IP addresses with an optional port; without them the servers of the system. */
  servers?: readonly string[]
  /** The longest that one check takes. */
  budgetMs?: number
  /** The longest that found records are kept, whatever their TTL; names found for an address are kept this long. */
  cacheMs?: number
  /** How long it is believed that a name does not exist. */
  cacheNegativeMs?: number
  /** How long a question that failed is not asked again. */
  cacheFailedMs?: number
  /** Cached answers, of strangers' addresses and of the allowlist's domains each. */
  entriesMax?: number
  /** Questions per second that unknown addresses may cause; beyond, their checks are undecided. */
  strangerQuestionsPerSecondMax?: number
  /** Milliseconds; only differences count. */
  now: () => number
}

/**
 * `undecided` means that DNS failed, was too slow or had too much to do: the same check may pass a moment later.
 * Without it DNS has spoken against the address.
 */
export type DomainVerdict =
  | { allowed: true; domain: string; by: 'reverse' | 'forward' }
  | { allowed: false; undecided: boolean }

export interface DomainCheck {
  /**
   * Whether the address belongs to one of the domains. One that does not is answered when all that are `asked` are
   * decided, and as undecided when one of them is not: neither time nor verdict tells which of them were meant.
   *
   * @param asked the domains and others
   */
  check(address: string, domains: readonly string[], asked?: readonly string[]): Promise<DomainVerdict>
  load(): { cached: number; underWay: number }
  close(): Promise<void>
}

const TIMEOUT_MS = 1_000
const TRIES = 2
// A name that can be compared by its text: no escapes, no dots inside a label.
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/

/**
 * A domain is met (a) in reverse: a PTR name of the address is the domain or below it, and that name's own records
 * hold the address; or (b) forward: the domain's own records hold the address. The domains are those of
 * {@link domainsOf}.
 *
 * A check never rejects and never outlasts its budget. What it asked goes on behind it and fills the cache, so that
 * the sender's next try finds the answer.
 *
 * @throws when a server is no IP address.
 */
export function createDomainCheck(options: DomainCheckOptions): DomainCheck {
  const { budgetMs = 300, now } = options
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  if (options.servers && options.servers.length > 0) resolver.setServers(options.servers)
  // Two budgets of questions, so that no flood of strangers keeps us from knowing the operator's own domains.
  const ofStrangers = createDnsQuestions(resolver, strangerLimits(options), now)
  const ofDomains = createDnsQuestions(resolver, domainLimits(options), now)

  return {
    async check(text, domains, asked = domains) {
      const address = readAddress(text)
      if (!address || asked.length === 0) return { allowed: false, undecided: false }
      return withinBudget(decide(address, domains, asked, { ofStrangers, ofDomains }), budgetMs)
    },
    load() {
      const [strangers, known] = [ofStrangers.load(), ofDomains.load()]
      return { cached: strangers.cached + known.cached, underWay: strangers.underWay + known.underWay }
    },
    async close() {
      const ended = Promise.all([ofStrangers.close(), ofDomains.close()])
      resolver.cancel()
      await ended
    },
  }
}

function strangerLimits(options: DomainCheckOptions): DnsLimits {
  const { strangerQuestionsPerSecondMax: perSecondMax = 200 } = options
  return { ...cacheLimits(options), atOnceMax: 64, waitingMax: 192, perSecondMax }
}

/** Wide, because only a change of configuration adds domains; that they are few hundred is the allowlist's limit. */
function domainLimits(options: DomainCheckOptions): DnsLimits {
  return { ...cacheLimits(options), atOnceMax: 64, waitingMax: 5_000, perSecondMax: 5_000 }
}

function cacheLimits(options: DomainCheckOptions) {
  const { cacheMs = 600_000, cacheNegativeMs = 60_000, cacheFailedMs = 5_000, entriesMax = 5_000 } = options
  return { cacheMs, cacheNegativeMs, cacheFailedMs, entriesMax }
}

async function withinBudget(decided: Promise<DomainVerdict>, budgetMs: number): Promise<DomainVerdict> {
  const spent = Promise.withResolvers<DomainVerdict>()
  const timer = setTimeout(spent.resolve, budgetMs, { allowed: false, undecided: true })
  try {
    return await Promise.race([decided, spent.promise])
  } finally {
    clearTimeout(timer)
  }
}

interface Questions {
  ofStrangers: DnsQuestions
  ofDomains: DnsQuestions
}

/** What the cache knows of the domains goes first: a sender known by a forward record never costs a question. */
async function decide(
  address: Address,
  domains: readonly string[],
  asked: readonly string[],
  questions: Questions,
): Promise<DomainVerdict> {
  const type = typeOf(address)
  const domain = domains.find((name) => holds(questions.ofDomains.known({ type, name }), address))
  if (domain !== undefined) return { allowed: true, domain, by: 'forward' }
  const all = Promise.all(verdictsOf(address, asked, questions))
  const verdict = await firstAllowed(verdictsOf(address, domains, questions))
  return verdict.allowed ? verdict : { allowed: false, undecided: (await all).some(isUndecided) }
}

/** One question is asked once at a time, whoever waits for its answer. */
function verdictsOf(
  address: Address,
  domains: readonly string[],
  { ofStrangers, ofDomains }: Questions,
): Promise<DomainVerdict>[] {
  return [
    reverse(address, domains, ofStrangers),
    ...domains.map((domain) => forward(address, domain, ofDomains)),
  ]
}

/** The first verdict that allows, without waiting for the others; else, of all, whether one is undecided. */
async function firstAllowed(verdicts: readonly Promise<DomainVerdict>[]): Promise<DomainVerdict> {
  const allowed = Promise.withResolvers<DomainVerdict>()
  const all = verdicts.map(async (pending) => {
    const verdict = await pending
    if (verdict.allowed) allowed.resolve(verdict)
    return verdict
  })
  const none = Promise.all(all).then(
    (found): DomainVerdict =>
      found.find((verdict) => verdict.allowed) ?? { allowed: false, undecided: found.some(isUndecided) },
  )
  return Promise.race([allowed.promise, none])
}

function isUndecided(verdict: DomainVerdict): boolean {
  return !verdict.allowed && verdict.undecided
}

async function forward(address: Address, domain: string, questions: DnsQuestions): Promise<DomainVerdict> {
  const answer = await questions.ask({ type: typeOf(address), name: domain })
  if (holds(answer, address)) return { allowed: true, domain, by: 'forward' }
  return { allowed: false, undecided: answer === 'failed' }
}

/** A PTR record is written by whoever owns the address, so only names below our domains are followed further. */
async function reverse(
  address: Address,
  domains: readonly string[],
  questions: DnsQuestions,
): Promise<DomainVerdict> {
  const names = await questions.ask({ type: 'PTR', name: reverseName(address) })
  if (names === 'failed') return { allowed: false, undecided: true }
  const confirmations = names.map(async (given): Promise<DomainVerdict> => {
    const found = nameBelow(domains, given)
    if (found === undefined) return { allowed: false, undecided: false }
    const { name, domain } = found
    const answer = await questions.ask({ type: typeOf(address), name })
    if (holds(answer, address)) return { allowed: true, domain, by: 'reverse' }
    return { allowed: false, undecided: answer === 'failed' }
  })
  return firstAllowed(confirmations)
}

/** A name as DNS gives it, with the first of the domains that it is or stands below. */
export function nameBelow(
  domains: readonly string[],
  given: string,
): { name: string; domain: string } | undefined {
  const name = given.toLowerCase()
  const domain = HOST_NAME.test(name) ? domains.find((candidate) => isWithin(name, candidate)) : undefined
  return domain === undefined ? undefined : { name, domain }
}

function isWithin(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`)
}

function typeOf({ family }: Address): 'A' | 'AAAA' {
  return family === 4 ? 'A' : 'AAAA'
}

function holds(answer: DnsAnswer | undefined, address: Address): boolean {
  return (
    answer !== undefined &&
    answer !== 'failed' &&
    answer.some((record) => readAddress(record)?.text === address.text)
  )
}

function reverseName(address: Address): string {
  if (address.family === 4) return `${address.text.split('.').reverse().join('.')}.in-addr.arpa`
  const digits = address.value.toString(16).padStart(32, '0')
  return `${[...digits].reverse().join('.')}.ip6.arpa`
}
