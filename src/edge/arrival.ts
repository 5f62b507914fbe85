import { IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { newId } from '../platform/ids.ts'

/** A request as it arrived: nothing about it is believed yet, and its body is unread. */
export interface Arrival {
  id: string
  receivedAt: Date
  method: string
  /** Path and query as they were sent; of an absolute address nothing else is kept. */
  target: string
  /** The application whose host name was called; undefined on the common address. */
  slug: string | undefined
  integrationId: string
  asXml: boolean
  socketAddress: string | undefined
  incoming: IncomingMessage
  /** Tells a sender who waits for it that his body is welcome. */
  askForBody(): void
}

/** The first value of a header, as Node joins repeated ones. */
export function headerOf(arrival: Arrival, name: string): string | undefined {
  const value = arrival.incoming.headers[name.toLowerCase()]
  return Array.isArray(value) ? value.join(', ') : value
}

/** What Node and we keep of a request beside its headers and its body, as measured with many thousands of them. */
const REQUEST_BYTES = 16_384

/** Of memory, about, without the body. */
export function bytesOf({ incoming }: Arrival): number {
  return incoming.rawHeaders.reduce(
    (sum, { length }) => sum + length,
    REQUEST_BYTES + (incoming.url ?? '').length,
  )
}

interface CalledAddress {
  slug: string | undefined
  integrationId: string
  asXml: boolean
}

export function arrivalOf(
  incoming: IncomingMessage,
  outgoing: ServerResponse | undefined,
  address: CalledAddress,
): Arrival {
  return {
    id: newId(),
    receivedAt: new Date(),
    method: incoming.method ?? '',
    target: originForm(incoming.url ?? ''),
    socketAddress: incoming.socket.remoteAddress,
    incoming,
    askForBody: () => askForBody(incoming, outgoing),
    ...address,
  }
}

/** What never became a request: nothing is known of it but its socket. */
export function arrivalOfBroken(socket: Socket): Arrival {
  return arrivalOf(new IncomingMessage(socket), undefined, {
    slug: undefined,
    integrationId: '',
    asXml: false,
  })
}

/** Answers `Expect: 100-continue`, which Node leaves to us so that strangers are refused before they send a body. */
export function askForBody(incoming: IncomingMessage, outgoing: ServerResponse | undefined): void {
  const waits = /\b100-continue\b/i.test(incoming.headers.expect ?? '') && incoming.httpVersion === '1.1'
  if (waits) outgoing?.writeContinue()
}

/** An absolute target may carry a user and a password. */
function originForm(target: string): string {
  return target.replace(/^https?:\/\/[^/?#]*/i, '')
}
