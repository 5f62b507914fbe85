import type { Taken } from './answer.ts'
import type { Body, Draft, Dressing, Handshake, Imitation, Occasion, Proof } from './imitation.ts'
import { imitationOf } from './imitations/imitations.ts'
import { occasionOf } from './occasion.ts'
import { type GivenCredentials, penWith } from './pen.ts'
import { SimulationError } from './problem.ts'
import { contentTypeOf, renewedBody, sampleBody } from './sample.ts'
import { FORM_TYPE } from './write-body.ts'
import type { WrongKind } from './wrong.ts'

export interface RequestOptions extends GivenCredentials {
  /** Where it is posted to. */
  readonly url: string
  /** The address as the source knows it, where that is another one. */
  readonly signedUrl?: string | undefined
  readonly now: Date
  /** Names the event: its ids come from this text, so another text is another event. */
  readonly event: string
  /** Instead of the one made from `event`. */
  readonly deliveryId?: string | undefined
  readonly topic?: string | undefined
  /** Sent to the byte, unless `fresh`; the sample of the source when there is none. */
  readonly body?: Buffer | string | undefined
  readonly contentType?: string | undefined
  /** Gives also a body of one's own new ids and times. */
  readonly fresh?: boolean | undefined
  /** Those of the imitation, by their names. */
  readonly options?: Readonly<Record<string, string | undefined>> | undefined
  /** The kind of the handshake to send instead of an event. */
  readonly handshake?: string | undefined
  /** Without any proof, for an integration that asks for none. */
  readonly unsigned?: boolean | undefined
  readonly wrong?: WrongKind | undefined
}

export interface SimulatedRequest {
  readonly method: string
  readonly url: string
  /** Names as the vendor spells them. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/**
 * The request of a source, signed as it signs. Depends on nothing but what is given; only the other private key of a
 * wrong `secret` is made at random.
 *
 * @throws SimulationError with a sentence when the source is not known, something is missing, or makes no sense.
 */
export function signedRequest(source: string, options: RequestOptions): SimulatedRequest {
  const imitation = imitationOf(source)
  const occasion = occasionOf(imitation, options)
  const handshake = handshakeOf(imitation, options.handshake)
  checkWrong(imitation, occasion, handshake)
  const content = handshake ? handshake.request(occasion) : eventOf(imitation, occasion, options)
  const sent = draftOf(content, options.url)
  const isProven = handshake?.isProven ?? true
  if (!isProven || options.unsigned || options.wrong === 'missing') return sent
  const { credentials, title } = imitation
  const pen = penWith({ title, meanings: credentials, given: options, wrong: options.wrong })
  const signed = draftOf(content, signedAddress(options))
  const request = withProof(sent, imitation.prove?.(signed, pen, occasion) ?? {})
  return options.wrong === 'body' ? tampered(request, imitation) : request
}

/** The ways to go wrong that make sense for a source with these options. */
export function wrongKindsOf(source: string, options: RequestOptions): readonly WrongKind[] {
  const imitation = imitationOf(source)
  return kindsOf(imitation, occasionOf(imitation, options))
}

/** How the source judges an answer. */
export function takenBy(source: string, handshake: string | undefined): Taken {
  const imitation = imitationOf(source)
  return handshakeOf(imitation, handshake)?.taken ?? imitation.taken
}

function handshakeOf({ handshakes, title }: Imitation, kind: string | undefined): Handshake | undefined {
  if (kind === undefined) return undefined
  const handshake = handshakes.find((one) => one.kind === kind)
  if (handshake) return handshake
  const known = handshakes.map((one) => one.kind).join(', ')
  throw new SimulationError(`${title} has no handshake "${kind}"${known === '' ? '' : `; it has: ${known}`}`)
}

function checkWrong(imitation: Imitation, occasion: Occasion, handshake: Handshake | undefined): void {
  if (occasion.wrong === undefined) return
  const kinds = handshake?.isProven === false ? [] : kindsOf(imitation, occasion)
  if (kinds.includes(occasion.wrong)) return
  const what = handshake ? `the ${handshake.kind} of ${imitation.title}` : imitation.title
  throw new SimulationError(
    kinds.length === 0
      ? `${what} is sent without a proof that could be wrong`
      : `"${occasion.wrong}" is no way in which ${what} can be wrong; there are: ${kinds.join(', ')}`,
  )
}

function kindsOf({ wrong, wrongWith }: Imitation, occasion: Occasion): readonly WrongKind[] {
  return wrongWith?.(occasion) ?? wrong
}

type Content = Partial<Dressing> & { readonly body?: Body }

function eventOf(imitation: Imitation, occasion: Occasion, options: RequestOptions): Content {
  const body = bodyOf(imitation, occasion, options)
  return { ...imitation.request?.(occasion, body), body }
}

function bodyOf(imitation: Imitation, occasion: Occasion, options: RequestOptions): Body {
  if (options.body === undefined) return sampleBody(imitation, occasion)
  const contentType = options.contentType ?? contentTypeOf(imitation.sample, occasion)
  const given = { contentType, bytes: Buffer.from(options.body) }
  // For whom it is and from whom it comes stands in the body, so a wrong one is written there.
  const isRewritten = options.fresh || options.wrong === 'recipient' || options.wrong === 'sender'
  return isRewritten ? renewedBody(imitation, given, occasion) : given
}

function draftOf({ method = 'POST', headers = {}, parameters, body }: Content, url: string): Draft {
  return {
    method,
    url: withParameters(url, parameters),
    headers: { ...(body && { 'Content-Type': body.contentType }), ...headers },
    body: body?.bytes ?? Buffer.alloc(0),
  }
}

/** With the wrong one, the gateway gets a signature that was made for another address. */
function signedAddress({ signedUrl, url, wrong }: RequestOptions): string {
  const address = signedUrl ?? url
  return wrong === 'url' ? address.replace(/(?=\?|$)/, '/elsewhere') : address
}

function withProof(sent: Draft, { headers, parameters, body }: Proof): SimulatedRequest {
  return {
    method: sent.method,
    url: withParameters(sent.url, parameters),
    headers: { ...sent.headers, ...headers },
    body: body ?? sent.body,
  }
}

/** What is there stays to the byte: a signature may be over it. */
function withParameters(url: string, parameters: Readonly<Record<string, string>> = {}): string {
  return Object.entries(parameters).reduce(
    (address, [name, value]) =>
      `${address}${address.includes('?') ? '&' : '?'}${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
    url,
  )
}

/** As little as possible: JSON still says the same, and yet has to be refused. */
function tampered(request: SimulatedRequest, { tamper }: Imitation): SimulatedRequest {
  const isForm = request.headers['Content-Type']?.startsWith(FORM_TYPE)
  const body = tamper?.(request.body) ?? Buffer.concat([request.body, Buffer.from(isForm ? '&x=1' : ' ')])
  return { ...request, body }
}
