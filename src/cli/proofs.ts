import { rootCertificates } from 'node:tls'
import { createOutbound, type Outbound } from '../outbound/outbound.ts'
import type { Log } from '../platform/log.ts'
import { createDocuments } from '../sources/sources.ts'
import type { Closers } from './closers.ts'

/** What proofs are checked with beside the secrets; of the real world unless given. */
export interface ProofWorld {
  /** The time by which signatures are judged. */
  now(): Date
  /** The text at an address that a preset has pinned, or undefined when it cannot be had. */
  fetchText(url: string): Promise<string | undefined>
  /** PEM texts in which the chain of a source's certificate may end. */
  rootCertificates: readonly string[]
}

const KEY_BYTES_MAX = 65_536
/** A webhook waits for the key of its source only once in a long while, and not longer than its sender would. */
const KEY_TIMEOUT_MS = { connect: 2_000, total: 4_000 }

export function openProofWorld(given: Partial<ProofWorld>, log: Log, closers: Closers): ProofWorld {
  const now = given.now ?? (() => new Date())
  const world = { now, rootCertificates: given.rootCertificates ?? rootCertificates }
  if (given.fetchText) return { ...world, fetchText: given.fetchText }
  const outbound = closers.add(createOutbound({ allowed: [], log }), (opened) => opened.close())
  const documents = createDocuments({
    fetch: (url) => fetchText(outbound, url),
    now: () => performance.now(),
  })
  return { ...world, fetchText: documents.fetchText }
}

async function fetchText(outbound: Outbound, url: string): Promise<string | undefined> {
  const answer = await outbound.request({
    method: 'GET',
    url,
    headers: [],
    timeoutMs: KEY_TIMEOUT_MS,
    responseBytesMax: KEY_BYTES_MAX,
  })
  return answer.ok && answer.status === 200 && !answer.truncated ? answer.body.toString('utf8') : undefined
}
