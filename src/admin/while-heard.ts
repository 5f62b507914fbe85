import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'

/**
 * Does work that is worth its cost only while somebody listens. Who has ended his side of the connection and listens
 * (`nc -N`) looks like who is gone, as nearly all are who do so: he is given up too.
 *
 * @param work is to end when its signal is aborted
 */
export async function whileHeard<T>(context: Context, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { socket } = (context.env as { incoming: IncomingMessage }).incoming
  const leaving = new AbortController()
  const onEnd = () => leaving.abort()
  if (socket.readableEnded || socket.destroyed) onEnd()
  socket.on('end', onEnd).on('close', onEnd)
  try {
    return await work(leaving.signal)
  } finally {
    socket.off('end', onEnd).off('close', onEnd)
  }
}
