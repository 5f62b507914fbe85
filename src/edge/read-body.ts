import type { IncomingMessage } from 'node:http'
import { Refusal } from './refusal.ts'

export interface BodyLimits {
  bytesMax: number
  waitMs: number
}

/**
 * Reads the body as it comes over the wire.
 *
 * @throws Refusal when it is larger than allowed, takes too long or breaks off. What is left of it is not read.
 */
export function readBody(incoming: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const announced = Number(incoming.headers['content-length'] ?? 0)
  if (announced > limits.bytesMax) return Promise.reject(tooLarge(limits.bytesMax))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const timer = setTimeout(() => end(new Refusal('too_slow')), limits.waitMs)

    function onData(chunk: Buffer): void {
      bytes += chunk.length
      if (bytes > limits.bytesMax) end(tooLarge(limits.bytesMax))
      else chunks.push(chunk)
    }
    function onEnd(): void {
      const [only] = chunks
      end(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks))
    }
    function onBroken(): void {
      end(new Refusal('broken_off'))
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

export function tooLarge(bytesMax: number): Refusal {
  return new Refusal('body_too_large', `${bytesMax} bytes`)
}
