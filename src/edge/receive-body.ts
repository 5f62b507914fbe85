import type { Integration } from '../integrations/integrations.ts'
import { isEncoded } from '../payload/content-encoding.ts'
import type { Passage } from './account.ts'
import { headerOf } from './arrival.ts'
import type { Gate } from './gate.ts'
import { decodeBody, limitsOf } from './payload.ts'
import { type BodyRoom, noRoom, readBody, tooLarge } from './read-body.ts'

/** Who would wait behind so many others is told to come again. */
const DECODING_WAITING_MAX = 200

/**
 * The body without its Content-Encoding: the bytes that a signature covers.
 *
 * @param integration undefined for a stranger: he has one limit for all that he may call, or it would tell him which
 *   ids exist
 * @throws Refusal when it is too large, too slow, or cannot be decoded.
 */
export async function receiveBody(
  passage: Passage,
  integration: Integration | undefined,
  gate: Gate,
  room: BodyRoom,
): Promise<Buffer> {
  const { arrival } = passage
  const bodyBytesMax = integration ? limitsOf(integration, gate.limits).bodyBytesMax : strangersBytesMax(gate)
  // A body that nothing is to be undone of is measured as it is.
  const encoded = isEncoded(headerOf(arrival, 'content-encoding'))
  const bytesMax = encoded ? gate.limits.compressedBytesMax : bodyBytesMax
  const wire = await readBody(arrival, { bytesMax, waitMs: gate.limits.waitMs }, room)
  passage.wire = wire
  if (!encoded) return wire
  // What a body becomes is known when it is there: few at a time, or small ones could become gigabytes together.
  if (gate.decoding.waiting() >= DECODING_WAITING_MAX) throw noRoom()
  return gate.decoding.pass(async () => {
    const body = await decodeBody(wire, arrival, bodyBytesMax)
    if (body !== wire && !room.take(body.length)) throw noRoom()
    return body
  })
}

function strangersBytesMax({ limits, addressRules }: Gate): number {
  return Math.max(limits.bodyBytesMax, addressRules.everywhere().bodyBytesMax)
}

/** A stranger's body was read before it was known whose limit counts. */
export function requireWithin(body: Buffer, integration: Integration, gate: Gate): void {
  const { bodyBytesMax } = limitsOf(integration, gate.limits)
  if (body.length > bodyBytesMax) throw tooLarge(bodyBytesMax)
}
