import type { Integration } from '../integrations/integrations.ts'
import type { Message } from '../sources/sources.ts'
import type { Passage } from './account.ts'
import { headerOf } from './arrival.ts'
import type { Gate } from './gate.ts'
import { type LazyPayload, limitsOf, payloadOf } from './payload.ts'

/** A request as the presets read it, and its body in the normal form. */
export interface Heard {
  message: Message
  payload: LazyPayload
}

export function hear(
  { arrival, callee, wire }: Passage,
  body: Buffer,
  integration: Integration,
  gate: Gate,
): Heard {
  const payload = payloadOf(body, wire ?? body, arrival, integration, limitsOf(integration, gate.limits))
  const at = arrival.target.indexOf('?')
  const search = at === -1 ? '' : arrival.target.slice(at)
  const address = callee?.application ? gate.addressOf(callee.application) : ''
  const message: Message = {
    method: arrival.method,
    url: addressAtSource(integration.definition.publicUrl, search) ?? `${address}${arrival.target}`,
    query: new URLSearchParams(search),
    header: (name) => headerOf(arrival, name),
    body: integration.definition.signedBody === 'encoded' ? (wire ?? body) : body,
    value: payload.value,
    receivedAt: gate.now(),
  }
  return { message, payload }
}

/** A proxy may have changed the path, never the query. */
function addressAtSource(publicUrl: string | undefined, search: string): string | undefined {
  if (publicUrl === undefined) return undefined
  return publicUrl.includes('?') ? publicUrl : `${publicUrl}${search}`
}
