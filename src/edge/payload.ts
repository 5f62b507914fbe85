import type { Integration } from '../integrations/integrations.ts'
import type { BodyProblem } from '../payload/body-problem.ts'
import { decodeContent } from '../payload/content-encoding.ts'
import type { Json } from '../payload/exact-json.ts'
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

/** A body that is read when it is first asked for, once. */
export interface LazyPayload {
  /** Undefined where it cannot be read. */
  value(): Json | undefined
  /**
   * @param ofKnownSender of whom a body without content type may also be plain text
   * @throws Refusal when it cannot be read.
   */
  read(ofKnownSender: boolean): Normalised
}

/** The body in the normal form of its content type. */
export function payloadOf(
  body: Buffer,
  wire: Buffer,
  arrival: Arrival,
  integration: Integration,
  limits: PayloadLimits,
): LazyPayload {
  let known: ReturnType<typeof normalise> | undefined
  const readAs = (contentType: string | undefined) =>
    normalise(body, contentType, {
      forceXml: arrival.asXml,
      alwaysList: integration.definition.alwaysList,
      limits: { depthMax: limits.depthMax, keysMax: limits.keysMax },
    })
  function read() {
    known ??= readAs(headerOf(arrival, 'content-type'))
    return known
  }

  return {
    value() {
      const found = read()
      return found.ok ? found.value() : undefined
    },
    read(ofKnownSender) {
      let found = read()
      const isUnlabelled = headerOf(arrival, 'content-type') === undefined
      if (!found.ok && found.problem === 'unsupported' && isUnlabelled && ofKnownSender)
        found = readAs('text/plain')
      if (!found.ok) throw refusalOf(found)
      const { payload, isBody, value } = found
      return { payload, isBody: isBody && body === wire, value }
    },
  }
}

function refusalOf({ problem, message }: BodyProblem): Refusal {
  if (problem === 'empty') return new Refusal('empty_body')
  if (problem === 'unsupported') return new Refusal('unsupported_media_type', message)
  return new Refusal(problem === 'unreadable' ? 'unreadable' : 'too_complex', message)
}
