import type { Integration } from '../integrations/integrations.ts'
import type { BodyProblem } from '../payload/body-problem.ts'
import { decodeContent } from '../payload/content-encoding.ts'
import { normalise } from '../payload/normalise.ts'
import { type Arrival, headerOf } from './arrival.ts'
import type { Normalised } from './events.ts'
import { tooLarge } from './read-body.ts'
import { Refusal } from './refusal.ts'

export interface PayloadLimits {
  bodyBytesMax: number
  depthMax: number
  keysMax: number
}

/** The limits of an integration where it has its own, else those of the settings. */
export function limitsOf(integration: Integration, common: PayloadLimits): PayloadLimits {
  const own = integration.definition.limits
  return {
    bodyBytesMax: own.bodyBytesMax ?? common.bodyBytesMax,
    depthMax: own.depthMax ?? common.depthMax,
    keysMax: own.keysMax ?? common.keysMax,
  }
}

/** How many bytes may come over the wire: a body that nothing is to be undone of is measured as it is. */
export function wireBytesMax(arrival: Arrival, bodyBytesMax: number, compressedBytesMax: number): number {
  return headerOf(arrival, 'content-encoding') === undefined ? bodyBytesMax : compressedBytesMax
}

/** The body after its Content-Encoding is undone: the bytes that a signature covers. */
export async function decodeBody(wire: Buffer, arrival: Arrival, bodyBytesMax: number): Promise<Buffer> {
  const encoding = headerOf(arrival, 'content-encoding')
  const decoded = await decodeContent(wire, encoding, bodyBytesMax)
  if (decoded.ok) return decoded.body
  if (decoded.problem === 'too_large') throw tooLarge(bodyBytesMax)
  throw decoded.problem === 'unsupported'
    ? new Refusal('unsupported_encoding', decoded.message)
    : refusalOf(decoded)
}

/** Reads the body by its content type into its normal form. */
export function readPayload(
  body: Buffer,
  wire: Buffer,
  arrival: Arrival,
  integration: Integration,
  limits: PayloadLimits,
): Normalised {
  const read = normalise(body, headerOf(arrival, 'content-type'), {
    forceXml: arrival.asXml,
    alwaysList: integration.definition.alwaysList,
    limits: { depthMax: limits.depthMax, keysMax: limits.keysMax },
  })
  if (!read.ok) throw refusalOf(read)
  return { payload: read.payload, isBody: read.isBody && body === wire, value: () => read.value() }
}

function refusalOf({ problem, message }: BodyProblem): Refusal {
  if (problem === 'empty') return new Refusal('empty_body')
  if (problem === 'unsupported') return new Refusal('unsupported_media_type', message)
  return new Refusal(problem === 'unreadable' ? 'unreadable' : 'too_complex', message)
}
