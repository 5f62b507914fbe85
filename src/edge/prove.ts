import type { Integration } from '../integrations/integrations.ts'
import {
  type Message,
  PROOF_FAULTS,
  type ProofTools,
  presetOf,
  type Secret,
  type Verdict,
  verify,
} from '../sources/sources.ts'
import { asksForProof } from './handshake.ts'
import { Refusal } from './refusal.ts'

export interface Prover {
  tools: Omit<ProofTools, 'pinned'>
  pinnedOf(integrationId: string): ProofTools['pinned']
  /** Told of every secret that proved a request. */
  secretUsed(integrationId: string, secret: Secret): void
  /** False when no more events may be held for this integration. */
  mayHold(integrationId: string): Promise<boolean>
}

/** A message that may become events. */
export interface Proven {
  /** Wrongly signed, and held because its integration rather keeps such events than refuses them. */
  held: boolean
  /** Its sender is known, not only his address. */
  known: boolean
  note: string | null
}

/** The verdict on a message, or nothing where the integration asks for no proof. */
export async function judge(
  message: Message,
  integration: Integration,
  prover: Prover,
): Promise<Verdict | undefined> {
  const { source, proof } = integration.definition
  if (proof === null) return undefined
  const tools = { ...prover.tools, pinned: prover.pinnedOf(integration.id) }
  const verdict = await verify(presetOf(source), proof, message, tools)
  if (verdict.proven && verdict.secret) prover.secretUsed(integration.id, verdict.secret)
  return verdict
}

/**
 * Lets pass what is proven, and holds what is not where the integration wants that.
 *
 * @throws Refusal for everything else; the reason is for the operator, the sender learns only that it failed.
 */
export async function requireProven(
  verdict: Verdict | undefined,
  message: Message,
  integration: Integration,
  prover: Prover,
): Promise<Proven> {
  if (!verdict || verdict.proven) return { held: false, known: verdict !== undefined, note: null }
  const note = `${PROOF_FAULTS[verdict.fault]}${verdict.note === undefined ? '' : ` (${verdict.note})`}`
  if (verdict.fault === 'key_unavailable') throw new Refusal('key_unavailable', '', note)
  const mayBeHeld = integration.definition.onUnproven === 'quarantine' && !asksForProof(message, integration)
  if (!mayBeHeld) throw new Refusal('unproven', '', note)
  if (await prover.mayHold(integration.id)) return { held: true, known: false, note }
  throw new Refusal('unproven', '', `${note}; the quarantine of this integration is full`)
}
