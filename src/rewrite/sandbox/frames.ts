/**
 * The framing of the channel between host and sandbox process: a frame is a list of texts. Four bytes of length,
 * then for each text four bytes of length and the text in UTF-8.
 */

const LENGTH_BYTES = 4

export function encodeFrame(parts: readonly string[]): Buffer {
  const sizes = parts.map((part) => Buffer.byteLength(part))
  const bodyBytes = sizes.reduce((sum, size) => sum + LENGTH_BYTES + size, 0)
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + bodyBytes)
  let at = frame.writeUInt32BE(bodyBytes, 0)
  for (const [index, part] of parts.entries()) {
    at = frame.writeUInt32BE(sizes[index] ?? 0, at)
    at += frame.write(part, at)
  }
  return frame
}

/** Gathers chunks into frames. */
export interface FrameReader {
  /**
   * The frames that this chunk completes.
   *
   * @throws RangeError when a frame is longer than allowed or its inner lengths do not add up.
   */
  push(chunk: Buffer): string[][]
}

export function createFrameReader(frameBytesMax: () => number): FrameReader {
  let chunks: Buffer[] = []
  let gathered = 0
  let needed = LENGTH_BYTES

  const take = (): Buffer => {
    const whole = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, gathered)
    chunks = whole.length > needed ? [whole.subarray(needed)] : []
    gathered -= needed
    return whole.subarray(0, needed)
  }

  let inBody = false
  return {
    push(chunk) {
      chunks.push(chunk)
      gathered += chunk.length
      const frames: string[][] = []
      while (gathered >= needed) {
        const piece = take()
        if (inBody) frames.push(decodeBody(piece))
        needed = inBody ? LENGTH_BYTES : checkedLength(piece.readUInt32BE(0), frameBytesMax())
        inBody = !inBody
      }
      return frames
    },
  }
}

function checkedLength(bytes: number, max: number): number {
  if (bytes > max) throw new RangeError(`a frame of ${bytes} bytes where ${max} are allowed`)
  return bytes
}

function decodeBody(body: Buffer): string[] {
  const parts: string[] = []
  let at = 0
  while (at < body.length) {
    const end = at + LENGTH_BYTES + body.readUInt32BE(at)
    if (end > body.length) throw new RangeError('a text runs past the end of its frame')
    parts.push(body.toString('utf8', at + LENGTH_BYTES, end))
    at = end
  }
  return parts
}
