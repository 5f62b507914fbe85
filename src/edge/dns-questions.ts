/** Questions to DNS: cached, each asked once at a time, and never more of them than the limits say. */
import type { Resolver } from 'node:dns/promises'
import { createExpiringCache } from './expiring-cache.ts'

export interface DnsQuestion {
  type: 'PTR' | 'A' | 'AAAA'
  /** In lower case, without a last dot; for PTR the name under `in-addr.arpa` or `ip6.arpa`. */
  name: string
}

/** No records is an answer (the name or the type does not exist); 'failed' means that nobody knows. */
export type DnsAnswer = readonly string[] | 'failed'

export interface DnsQuestions {
  /** What the cache holds; costs nothing. */
  known(question: DnsQuestion): DnsAnswer | undefined
  /** Never rejects; may take as long as the resolver does. */
  ask(question: DnsQuestion): Promise<DnsAnswer>
  /** What is held in memory: answers in the cache, and questions without an answer yet. */
  load(): { cached: number; underWay: number }
  /** Waiting questions fail without being asked; those with the resolver end when it is cancelled. */
  close(): Promise<void>
}

export interface DnsLimits {
  /** The longest that records are kept, whatever their TTL. */
  cacheMs: number
  cacheNegativeMs: number
  cacheFailedMs: number
  entriesMax: number
  atOnceMax: number
  waitingMax: number
  perSecondMax: number
}

interface Found {
  answer: DnsAnswer
  ttlMs: number
}

const PTR_NAMES_MAX = 8
const ADDRESSES_MAX = 256
// Records with a TTL near zero must outlive the time until a sender's retry.
const CACHE_MIN_MS = 30_000
const CLOSED: Found = { answer: 'failed', ttlMs: 0 }

/** Past a limit a question fails at once and leaves nothing in the cache. `now` gives milliseconds. */
export function createDnsQuestions(resolver: Resolver, limits: DnsLimits, now: () => number): DnsQuestions {
  const cache = createExpiringCache<DnsAnswer>(limits.entriesMax, now)
  const underWay = new Map<string, Promise<DnsAnswer>>()
  const mayAsk = createRateLimit(limits.perSecondMax, now)
  const slots = createSlots(limits.atOnceMax)
  let closed = false

  async function askAndKeep(key: string, question: DnsQuestion): Promise<DnsAnswer> {
    const { answer, ttlMs } = await slots.run(async () =>
      closed ? CLOSED : lookUp(resolver, question, limits),
    )
    cache.set(key, answer, ttlMs)
    underWay.delete(key)
    return answer
  }

  return {
    known: (question) => cache.get(keyOf(question)),
    ask(question) {
      const key = keyOf(question)
      const known = cache.get(key)
      if (known) return Promise.resolve(known)
      const already = underWay.get(key)
      if (already) return already
      const isFull = underWay.size >= limits.atOnceMax + limits.waitingMax
      if (isFull || !mayAsk()) return Promise.resolve('failed')
      const asked = askAndKeep(key, question)
      underWay.set(key, asked)
      return asked
    },
    load: () => ({ cached: cache.size(), underWay: underWay.size }),
    async close() {
      closed = true
      await Promise.all(underWay.values())
    },
  }
}

function keyOf(question: DnsQuestion): string {
  return `${question.type} ${question.name}`
}

/** Counts in whole seconds: at worst twice the limit falls into one second, which still is a limit. */
function createRateLimit(perSecondMax: number, now: () => number): () => boolean {
  let second = Number.NEGATIVE_INFINITY
  let used = 0
  return () => {
    const current = Math.floor(now() / 1_000)
    if (current !== second) {
      second = current
      used = 0
    }
    used += 1
    return used <= perSecondMax
  }
}

/** At most `atOnceMax` at a time, in the order of arrival. */
function createSlots(atOnceMax: number) {
  const waiting: (() => void)[] = []
  let taken = 0
  return {
    async run<Result>(work: () => Promise<Result>): Promise<Result> {
      if (taken >= atOnceMax) await new Promise<void>((resolve) => waiting.push(resolve))
      else taken += 1
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        if (next) next()
        else taken -= 1
      }
    },
  }
}

async function lookUp(resolver: Resolver, question: DnsQuestion, limits: DnsLimits): Promise<Found> {
  try {
    return await resolve(resolver, question, limits)
  } catch (error) {
    return doesNotExist(error)
      ? { answer: [], ttlMs: limits.cacheNegativeMs }
      : { answer: 'failed', ttlMs: limits.cacheFailedMs }
  }
}

async function resolve(resolver: Resolver, { type, name }: DnsQuestion, limits: DnsLimits): Promise<Found> {
  if (type === 'PTR') {
    const names = await resolver.resolvePtr(name)
    return { answer: names.slice(0, PTR_NAMES_MAX), ttlMs: limits.cacheMs }
  }
  const found =
    type === 'A' ? await resolver.resolve4(name, { ttl: true }) : await resolver.resolve6(name, { ttl: true })
  const records = found.slice(0, ADDRESSES_MAX)
  const ttlMs = Math.min(...records.map((record) => record.ttl * 1_000))
  return {
    answer: records.map((record) => record.address),
    ttlMs: Math.min(limits.cacheMs, Math.max(ttlMs, CACHE_MIN_MS)),
  }
}

/** NXDOMAIN, no such record, and names that cannot be asked for at all. */
function doesNotExist(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EBADNAME'
}
