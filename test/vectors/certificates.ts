/** What the certificates in vectors ask of the gateway that judges them: the roots it knows, and the time it is. */
import { X509Certificate } from 'node:crypto'
import { toolsOf } from '../sources/vector-proof.ts'
import type { Vector } from '../sources/vectors.ts'

/**
 * Without a stated time it is the real one; but certificates that were made at a moment which the real clock has not
 * seen yet are valid from then.
 */
export function clockOf(vector: Vector): () => Date {
  const { now: seconds } = vector
  if (seconds !== undefined) return () => new Date(seconds * 1000)
  const begins = toolsOf(vector).rootCertificates.map(
    (pem) => readCertificate(pem)?.validFromDate.getTime() ?? 0,
  )
  return () => new Date(Math.max(Date.now(), ...begins))
}

/** Those that the file calls roots; where it has none, those that stand for fetched ones, which vouch for themselves. */
export function rootsOf(vectors: readonly Vector[], named: readonly string[]): string[] {
  const found = named.length > 0 ? named : vectors.flatMap((vector) => toolsOf(vector).rootCertificates)
  return [...new Set(found)].filter((pem) => readCertificate(pem) !== undefined)
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}
