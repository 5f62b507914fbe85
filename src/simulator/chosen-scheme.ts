/** Proofs of systems where whoever sets up the webhook chooses how it proves itself. */
import type { Draft, OptionRow, Proof } from './imitation.ts'
import { unixSeconds } from './moments.ts'
import type { Pen } from './pen.ts'
import { SimulationError } from './problem.ts'
import type { WrongKind } from './wrong.ts'

export type Scheme = 'none' | 'hmac' | 'header' | 'basic' | 'bearer' | 'query'

/** What may be wrong about a proof of each scheme. */
export const WRONG_OF: Record<Scheme, readonly WrongKind[]> = {
  none: [],
  hmac: ['secret', 'body', 'missing', 'encoding'],
  header: ['secret', 'missing'],
  basic: ['secret', 'missing'],
  bearer: ['secret', 'missing'],
  query: ['secret', 'missing'],
}

export interface HmacChoice {
  readonly header: string
  readonly algorithm: string
  readonly encoding: string
  readonly prefix?: string
  /** With `{body}`, `{timestamp}`, `{method}` and `{url}` in their places. */
  readonly signedText?: string
  readonly timestamp?: string
}

export const HMAC_OPTIONS = {
  algorithm: {
    meaning: 'of the HMAC',
    fallback: 'sha256',
    choices: ['sha256', 'sha512', 'sha1'],
  },
  encoding: { meaning: 'of the HMAC', fallback: 'base64', choices: ['base64', 'hex'] },
  prefix: { meaning: 'what stands before the HMAC, such as sha256=', fallback: '' },
} as const satisfies Record<string, OptionRow>

/** RFC 7617. */
export function basicProof(pen: Pen): Proof {
  const credentials = Buffer.from(`${pen.user()}:${pen.token()}`).toString('base64')
  return { headers: { Authorization: `Basic ${credentials}` } }
}

export function hmacProof(pen: Pen, draft: Draft, choice: HmacChoice): Proof {
  const { header, algorithm, prefix = '', signedText = '{body}', timestamp = '' } = choice
  const values = { body: draft.body, timestamp, method: draft.method, url: draft.url }
  const chunks = signedText
    .split(/(\{(?:body|timestamp|method|url)\})/)
    .map((part) => (isPlace(part) ? values[part.slice(1, -1) as keyof typeof values] : part))
  const digest = pen.hmac(algorithm, pen.secret(), ...chunks)
  const encoding = choice.encoding === 'hex' ? 'hex' : 'base64'
  return { headers: { [header]: `${prefix}${pen.encode(digest, encoding)}` } }
}

export function unixText(moment: Date, unit: string): string {
  return String(unit === 'milliseconds' ? moment.getTime() : unixSeconds(moment))
}

/** A secret that is given and goes nowhere is a mistake that nobody would notice. */
export function refuseIdleSecret(pen: Pen, title: string, schemes: readonly Scheme[]): void {
  if (!pen.has('secret')) return
  const choices = schemes.filter((scheme) => scheme !== 'none').join(', ')
  throw new SimulationError(
    `${title} has a secret, and nothing says how it is sent: choose a scheme, ${choices}`,
  )
}

function isPlace(part: string): boolean {
  return /^\{(?:body|timestamp|method|url)\}$/.test(part)
}
