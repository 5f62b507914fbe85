/**
 * The end of a connection whose sender may still be sending. A connection that is destroyed while something of his is
 * unread takes the answer with it: he finds it broken and never reads why (RFC 9112 section 9.6).
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** As much as the largest body may have. */
export const LINGER_BYTES_MAX = 32 * 1024 * 1024

/** Says that nothing more will come, and leaves the sender some time to end it too. */
export function hangUp(socket: Socket, lingerMs: number): void {
  socket.end()
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
}

/** Takes the rest of a body that nobody wants, and hangs up when the last answer is out. */
export function hangUpAfterAnswer(incoming: IncomingMessage, lingerMs: number): void {
  const { socket } = incoming
  let bytes = 0
  incoming.on('data', ({ length }: Buffer) => {
    bytes += length
    if (bytes > LINGER_BYTES_MAX && !socket.writable) socket.destroy()
  })
  // The reader may have stopped it.
  incoming.resume()
  // That is what Node calls after a last answer; and the listener of hono, when it has waited for the body.
  socket.destroySoon = () => {
    if (socket.writable) hangUp(socket, lingerMs)
  }
}
