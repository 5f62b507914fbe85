import type { Secret } from './secrets.ts'

/**
 * Every way in which a proof fails, with the sentence that the operator reads. The sender is told only what its
 * preset says.
 */
export const PROOF_FAULTS = {
  header_missing: 'what proves the sender is missing from the request',
  malformed: 'the signature is not written the way this source writes it',
  wrong_encoding: 'the signature is right but written in another encoding',
  wrong_secret: 'signed with another secret, or the body was changed on the way',
  body_changed: 'the secret is right, but the body was changed on the way',
  too_old: 'the timestamp is older than the tolerance allows',
  too_new: 'the timestamp lies further ahead than the tolerance allows',
  unknown_key: 'the request names a key that this integration does not have',
  secret_retired: 'signed with a secret that is retired',
  secret_not_active: 'signed with a secret that is not active yet',
  no_active_secret: 'no secret of this integration is active at this time',
  wrong_algorithm: 'the request names an algorithm that this source does not use',
  wrong_recipient: 'the event is addressed to another client',
  wrong_certificate: 'the certificate that the request names does not prove the sender',
  key_unavailable: 'the key to check with could not be fetched',
  not_pinned: 'no handshake has pinned the sender of this integration yet',
} as const

export type ProofFault = keyof typeof PROOF_FAULTS

/** Whether a message is from whom it claims to be. */
export type Verdict =
  | { readonly proven: true /** The secret that proved it, where there is one. */; readonly secret?: Secret }
  | {
      readonly proven: false
      readonly fault: ProofFault /** Which header, which key, how old. */
      readonly note?: string
    }

export function unproven(fault: ProofFault, note?: string): Verdict {
  return note === undefined ? { proven: false, fault } : { proven: false, fault, note }
}
