import type { z } from 'zod'
import type { Json } from '../payload/exact-json.ts'
import type { Part, Reader } from './identity.ts'
import type { Message } from './message.ts'
import type { Verdict } from './verdict.ts'

/** What a source system does and expects, as far as a gateway must know it. One preset a file. */
export interface Preset<Proof = unknown> {
  /** The `source` of an integration, such as `shopify`. */
  readonly name: string
  /** As the vendor writes it. */
  readonly title: string
  /** Where a webhook is made at the source and what is copied from or to there, in a sentence or two; for the README. */
  readonly setup: string
  /** What the operator gives as `proof`; absent where the source has no way to prove itself. */
  readonly proof?: ProofRules<Proof>
  /** The methods that carry events. */
  readonly methods: readonly string[]
  readonly handshakes: readonly Handshake[]
  readonly replies: Replies
  readonly identity: IdentityReaders
  readonly dedupe: DedupeRule | null
  /** Path of the array of which each element is an event, or a reading of it; undefined where there is none. */
  readonly batch?: string | ((body: Json) => Json[] | undefined)
  /** Domains of an allowlist that a valid proof stands for. */
  readonly senderDomains: readonly string[]
  readonly publishedAddresses?: PublishedAddresses
}

export interface ProofRules<Proof> {
  readonly schema: z.ZodType<Proof>
  /** Checks the exact bytes. May wait only for a key of a pinned host. */
  verify(proof: Proof, message: Message, tools: ProofTools): Verdict | Promise<Verdict>
  /** What a proof of this scheme covers: a change of any bit of it is refused. */
  readonly covers: Coverage | ((proof: Proof) => Coverage)
  /** Headers of which a request of this source carries at least one, so that others are refused with their body unread. */
  readonly signedBy: readonly string[] | ((proof: Proof) => readonly string[])
  /** Headers and query parameters that are the secret itself, to be kept out of logs and ledger. In lower case. */
  secretsIn?(proof: Proof): { readonly headers?: readonly string[]; readonly parameters?: readonly string[] }
}

export interface Coverage {
  /** Every byte; nothing; the decoded parameters of a form; or the values at these paths. */
  readonly body: 'bytes' | 'nothing' | 'parameters' | readonly string[]
  /** Headers beside the one that carries the proof. */
  readonly headers: readonly string[]
  /** The whole address, query included, with the configured base. */
  readonly url: boolean
}

/** What a proof may use beside the message. */
export interface ProofTools {
  /**
   * The text of a document at an https address that the preset has pinned to its host: kept for a while, limited in
   * size and time, without redirects. Undefined when it cannot be had.
   */
  fetchText(url: string): Promise<string | undefined>
  /** PEM texts of the certificates that a chain may end in. */
  readonly rootCertificates: readonly string[]
  /** What a handshake has pinned as the sender of this integration. */
  readonly pinned: Readonly<Record<string, string>> | undefined
}

/** A message that is not an event but a question of the source itself. */
export interface Handshake {
  /** `challenge`, `ping`, … as the log calls it. */
  readonly kind: string
  readonly method: 'GET' | 'POST'
  /** Before: anyone whom the allowlist lets in may ask. After: the message must be proven first. */
  readonly asked: 'before proof' | 'after proof'
  /** Its answer may pin the sender, so a new integration waits for it. */
  readonly pins?: boolean
  /**
   * Which field of its note is an https address that the operator may have fetched once, to confirm the webhook to the
   * source, and the only host at which it is fetched.
   */
  readonly confirmedAt?: { readonly field: string; readonly host: string }
  /** Gives nothing when the message is an ordinary one. */
  answer(message: Message): HandshakeAnswer | undefined
}

export interface HandshakeAnswer {
  /** The preset's ordinary acceptance unless given. Never computed from a secret. */
  readonly reply?: Reply
  /** What identifies the sender from here on; taken only while the operator has the integration waiting for it. */
  readonly pin?: Readonly<Record<string, string>>
  /** Shown to the operator with the integration. */
  readonly note?: Readonly<Record<string, string>>
}

export interface Reply {
  readonly status: number
  readonly contentType?: string | undefined
  readonly body: string
}

export interface Replies {
  /** For what is accepted, and for its duplicates. */
  readonly accepted: Reply
  /** Whether a refusal is explained in its body. */
  readonly refused: 'sentence' | 'nothing'
  /** Where 429, 500 and 503 would not bring the event again: the status that does. */
  readonly retryStatus?: number
}

/** The first reader that finds something counts. */
export interface IdentityReaders {
  readonly topic?: readonly Reader[]
  readonly deliveryId?: readonly Reader[]
  readonly eventId?: readonly Reader[]
  readonly occurredAt?: readonly Reader[]
  readonly sender?: readonly Reader[]
}

export interface DedupeRule {
  /** The first of these lists of which every part is there gives the key. */
  readonly keys: readonly (readonly Part[])[]
  readonly windowSeconds: number
}

/** A list of addresses that the vendor publishes. */
export interface PublishedAddresses {
  readonly url: string
  /** Addresses and CIDRs; throws on a text of another form. */
  read(text: string): string[]
}

/** The parts of a preset that most sources share. */
const ORDINARY = {
  methods: ['POST'],
  handshakes: [],
  replies: {
    accepted: { status: 200, contentType: 'application/json', body: '{"result":true,"error":""}' },
    refused: 'sentence',
  },
  identity: {},
  dedupe: null,
  senderDomains: [],
} as const satisfies Partial<Preset>

type Given<Proof> = Omit<Preset<Proof>, keyof typeof ORDINARY> &
  Partial<Omit<Pick<Preset, keyof typeof ORDINARY>, 'replies'>> & { readonly replies?: Partial<Replies> }

/** A preset from what is particular about it. Proofs are read by its schema before it sees them. */
export function definePreset<Proof>(given: Given<Proof>): Preset {
  const replies = { ...ORDINARY.replies, ...given.replies }
  return { ...ORDINARY, ...given, replies } as Preset<Proof> as Preset
}
