import type { Json } from '../payload/exact-json.ts'
import type { Taken } from './answer.ts'
import type { Ids } from './ids.ts'
import type { Pen } from './pen.ts'
import type { WrongKind } from './wrong.ts'

/** How the requests of a source system look, as far as somebody must know who writes them himself. One a file. */
export interface Imitation {
  /** The `source` of an integration, such as `shopify`. */
  readonly name: string
  /** As the vendor writes it. */
  readonly title: string
  /** What it proves itself with, each in a few words; none for a source that has no way to. */
  readonly credentials: Credentials
  /** What differs from one shop, account or configuration to another. */
  readonly options: Readonly<Record<string, OptionRow>>
  /** The topic or event type unless another is given; absent where requests name none. */
  readonly topic?: string
  readonly sample: Sample
  /** What stands in every request, whether it is proven or not. */
  request?(occasion: Occasion, body: Body): Partial<Dressing>
  /** What the proof adds. Absent where there is none. */
  prove?(draft: Draft, pen: Pen, occasion: Occasion): Proof
  /** A change of the body that its proof does not allow, where not every byte is covered. */
  tamper?(body: Buffer): Buffer
  /** Whether the proof covers the address, so that it has to be signed as the source knows it. */
  readonly signsUrl?: true
  readonly handshakes: readonly Handshake[]
  /** The ways to go wrong that make sense here. */
  readonly wrong: readonly WrongKind[]
  /** Those of them that the options leave; all unless it is there. */
  wrongWith?(occasion: Occasion): readonly WrongKind[]
  /** Which answers the source takes for success. */
  readonly taken: Taken
  /** How long it waits for an answer. */
  readonly timeoutMs: number
  /** What somebody who sends this has to know. */
  readonly note?: string
}

export interface Credentials {
  /** What the text is: "the client secret of the app". */
  readonly secret?: string
  readonly user?: string
  /** A private key in PEM. */
  readonly key?: string
}

export interface OptionRow {
  readonly meaning: string
  /** Empty for an option that may be left out; absent for one that has to be given. */
  readonly fallback?: string
  readonly choices?: readonly string[]
}

/** The circumstances of one event. Whatever differs between two events comes from here. */
export interface Occasion<Option extends string = string> {
  readonly now: Date
  /** What a signed timestamp says: `now`, unless it is to be wrong. */
  readonly signedAt: Date
  readonly ids: Ids
  /** Stands for the delivery id that would be made. */
  readonly deliveryId: string | undefined
  readonly topic: string
  readonly wrong: WrongKind | undefined
  /** @throws SimulationError when it has to be given and is not. */
  option(name: Option): string
}

/** The body that is sent when no other is given, and how the source writes such bodies. */
export interface Sample {
  /** A JSON file below `bodies/`. */
  readonly file: string
  readonly contentType: string | ((occasion: Occasion) => string)
  write(value: Json, occasion: Occasion): string
  /** What makes one event of a body: the new value of each path that exists in it. */
  renew(occasion: Occasion): Record<string, Json>
}

export interface Body {
  readonly contentType: string
  readonly bytes: Buffer
}

export interface Dressing {
  readonly method: string
  /** As the vendor spells their names. */
  readonly headers: Readonly<Record<string, string>>
  /** Added to the address. */
  readonly parameters: Readonly<Record<string, string>>
}

/** A request before it is proven. */
export interface Draft {
  readonly method: string
  /** The address as the source knows it, with its parameters. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface Proof {
  readonly headers?: Readonly<Record<string, string>>
  readonly parameters?: Readonly<Record<string, string>>
  /** The body with its proof in it. */
  readonly body?: Buffer
}

/** A request that is no event but a question of the source itself. */
export interface Handshake {
  /** `ping`, `challenge`, … */
  readonly kind: string
  readonly meaning: string
  readonly isProven: boolean
  request(occasion: Occasion): Partial<Dressing> & { readonly body?: Body }
  /** Unless it is the same as for events. */
  readonly taken?: Taken
}

const ORDINARY = { credentials: {}, options: {}, handshakes: [], wrong: [], timeoutMs: 30_000 } as const

type Given<Option extends string> = Omit<
  Imitation,
  keyof typeof ORDINARY | 'sample' | 'request' | 'prove' | 'handshakes' | 'wrongWith'
> &
  Partial<Pick<Imitation, 'credentials' | 'wrong' | 'timeoutMs'>> & {
    options?: Record<Option, OptionRow>
    sample: Pick<Sample, 'file'> & {
      contentType: string | ((occasion: Occasion<Option>) => string)
      write(value: Json, occasion: Occasion<Option>): string
      renew(occasion: Occasion<Option>): Record<string, Json>
    }
    request?(occasion: Occasion<Option>, body: Body): Partial<Dressing>
    prove?(draft: Draft, pen: Pen, occasion: Occasion<Option>): Proof
    handshakes?: readonly (Omit<Handshake, 'request'> & {
      request(occasion: Occasion<Option>): Partial<Dressing> & { readonly body?: Body }
    })[]
    wrongWith?(occasion: Occasion<Option>): readonly WrongKind[]
  }

/** An imitation from what is particular about it; only its own options can be asked for. */
export function defineImitation<const Option extends string = never>(given: Given<Option>): Imitation {
  return { ...ORDINARY, ...given } as Given<string> as Imitation
}
