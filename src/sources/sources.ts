/**
 * How does each source system speak? One preset a file under `presets/`: its proof, handshakes, replies, identity,
 * dedupe rule and batches. A file that is put there is known.
 */
import { readdirSync } from 'node:fs'
import type { Json } from '../payload/exact-json.ts'
import { parsePath, valueAt } from '../payload/path.ts'
import { createDocuments, type Documents, type DocumentsOptions } from './documents.ts'
import { dedupeKeyOf, type Identity, identityOf, type Subject } from './identity.ts'
import type { Message } from './message.ts'
import type { Handshake, HandshakeAnswer, Preset, ProofTools, Replies, Reply } from './preset.ts'
import { MASKED, type Secret, type Standing, standingOf } from './secrets.ts'
import { PROOF_FAULTS, type ProofFault, unproven, type Verdict } from './verdict.ts'

export {
  createDocuments,
  type Documents,
  type DocumentsOptions,
  dedupeKeyOf,
  type Handshake,
  type HandshakeAnswer,
  type Identity,
  identityOf,
  MASKED,
  type Message,
  PROOF_FAULTS,
  type Preset,
  type ProofFault,
  type ProofTools,
  type Replies,
  type Reply,
  type Secret,
  type Standing,
  type Subject,
  standingOf,
  type Verdict,
}

/** Every preset by its name, in the order of the names. */
export const PRESETS: ReadonlyMap<string, Preset> = await loadPresets()

/** @throws Error for a name that no preset has; definitions are checked when they are saved. */
export function presetOf(source: string): Preset {
  const preset = PRESETS.get(source)
  if (!preset) throw new Error(`there is no source preset "${source}"`)
  return preset
}

/** The verdict on a message by the proof of an integration, which its preset's schema has read. */
export function verify(
  preset: Preset,
  proof: unknown,
  message: Message,
  tools: ProofTools,
): Verdict | Promise<Verdict> {
  if (!preset.proof) return unproven('malformed', `${preset.title} has no way to prove itself`)
  return preset.proof.verify(proof, message, tools)
}

/** The elements of a body that are events of their own, or undefined where the body is one event. */
export function batchOf(preset: Preset, body: Json): Json[] | undefined {
  if (preset.batch === undefined) return undefined
  if (typeof preset.batch === 'function') return preset.batch(body)
  const found = valueAt(body, parsePath(preset.batch))
  return Array.isArray(found) ? found : undefined
}

async function loadPresets(): Promise<Map<string, Preset>> {
  const folder = new URL('./presets/', import.meta.url)
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts'))
  const modules = await Promise.all(
    files.toSorted().map((file) => import(new URL(file, folder).href) as Promise<{ preset: Preset }>),
  )
  return new Map(modules.map(({ preset }) => [preset.name, preset]))
}
