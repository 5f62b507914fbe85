/** What breaks before it is a request, or while it is read. */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { BrokenRequest } from '../edge/edge.ts'
import { hangUp } from './hang-up.ts'

interface BrokenAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

export type RefuseBroken = (socket: Socket, fault: BrokenRequest, detail: string) => BrokenAnswer

export interface Refuser {
  refuse(fault: BrokenRequest, socket: Socket): Response
  /** What Node refuses before it is a request never reaches the edge, so its answer is written here. */
  refuseUnread(fault: BrokenRequest, socket: Socket): void
}

/** @param word words the answers; without it they are empty */
export function createRefuser(
  word: RefuseBroken | undefined,
  { headerBytesMax, lingerMs }: { headerBytesMax: number; lingerMs: number },
): Refuser {
  function answerTo(fault: BrokenRequest, socket: Socket): BrokenAnswer {
    return word?.(socket, fault, String(headerBytesMax)) ?? { status: STATUSES[fault], headers: {}, body: '' }
  }
  return {
    refuse(fault, socket) {
      const { body, ...init } = answerTo(fault, socket)
      return new Response(body, init)
    },
    refuseUnread(fault, socket) {
      // A connection on which nothing ever came asked for nothing.
      if (!socket.writable || socket.bytesRead === 0) return void socket.destroy()
      const { status, headers, body } = answerTo(fault, socket)
      const head = [
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
        ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
        `content-length: ${Buffer.byteLength(body)}`,
        'connection: close',
      ]
      socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
      hangUp(socket, lingerMs)
    },
  }
}

const STATUSES: Record<BrokenRequest, number> = {
  not_http: 400,
  headers_too_large: 431,
  too_slow: 408,
  broken_off: 400,
  method_not_allowed: 405,
  too_many_connections: 429,
}

/** @param code of the error that Node tells of a connection */
export function faultOf(code: string | undefined): BrokenRequest {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large'
  if (code === 'HPE_INVALID_EOF_STATE') return 'broken_off'
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'too_slow' : 'not_http'
}

/** Lets reading the body fail for the one who answers, so that one answer is given, and in its turn. */
export function breakOff(incoming: IncomingMessage, error: Error): void {
  // Node's own would destroy the socket, over which the answer has to go.
  incoming._destroy = (reason, done) => done(reason)
  incoming.on('error', () => {}).destroy(error)
}
