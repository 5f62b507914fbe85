import type { Arrival } from './arrival.ts'
import { Refusal } from './refusal.ts'

export interface BodyLimits {
  bytesMax: number
  waitMs: number
}

export interface BodyRoom {
  /** False when there is no memory left for so many bytes more. */
  take(bytes: number): boolean
}

/**
 * Reads the body as it comes over the wire.
 *
 * @throws Refusal when it is larger than allowed, takes too long or breaks off. What is left of it is not read.
 */
export function readBody(
  { incoming, askForBody }: Pick<Arrival, 'incoming' | 'askForBody'>,
  limits: BodyLimits,
  room: BodyRoom,
): Promise<Buffer> {
  const announced = Number(incoming.headers['content-length'] ?? 0)
  if (announced > limits.bytesMax) return Promise.reject(tooLarge(limits.bytesMax))
  // Of what was destroyed already, no event comes any more.
  if (incoming.destroyed) return Promise.reject(brokenOff(incoming.errored))
  askForBody()
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const timer = setTimeout(() => end(new Refusal('too_slow')), limits.waitMs)

    function onData(chunk: Buffer): void {
      bytes += chunk.length
      if (bytes > limits.bytesMax) end(tooLarge(limits.bytesMax))
      else if (!room.take(chunk.length)) end(noRoom())
      else chunks.push(chunk)
    }
    function onEnd(): void {
      const [only] = chunks
      end(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks))
    }
    function onBroken(error?: Error): void {
      end(brokenOff(error))
    }
    function end(result: Buffer | Refusal): void {
      clearTimeout(timer)
      incoming.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken)
      if (result instanceof Refusal) {
        incoming.pause()
        reject(result)
      } else {
        resolve(result)
      }
    }
    incoming.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken)
  })
}

function brokenOff(error?: Error | null): Refusal {
  return new Refusal('broken_off', '', error ? `the body broke off: ${error.message}` : null)
}

export function tooLarge(bytesMax: number): Refusal {
  return new Refusal('body_too_large', `${bytesMax} bytes`)
}

export function noRoom(): Refusal {
  return new Refusal('not_stored', '', 'too many bodies are in memory')
}
