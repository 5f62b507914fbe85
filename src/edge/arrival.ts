import type { IncomingMessage } from 'node:http'
import { newId } from '../platform/ids.ts'

/** A request as it arrived: nothing about it is believed yet, and its body is unread. */
export interface Arrival {
  id: string
  receivedAt: Date
  method: string
  /** Path and query as they were sent. */
  target: string
  /** The application whose host name was called; undefined on the common address. */
  slug: string | undefined
  integrationId: string
  asXml: boolean
  socketAddress: string | undefined
  incoming: IncomingMessage
}

/** The first value of a header, as Node joins repeated ones. */
export function headerOf(arrival: Arrival, name: string): string | undefined {
  const value = arrival.incoming.headers[name.toLowerCase()]
  return Array.isArray(value) ? value.join(', ') : value
}

export function arrivalOf(
  incoming: IncomingMessage,
  address: { slug: string | undefined; integrationId: string; asXml: boolean },
): Arrival {
  return {
    id: newId(),
    receivedAt: new Date(),
    method: incoming.method ?? '',
    target: incoming.url ?? '',
    socketAddress: incoming.socket.remoteAddress,
    incoming,
    ...address,
  }
}
