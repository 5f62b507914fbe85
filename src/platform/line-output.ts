import { write, writeSync } from 'node:fs'

export interface LineOutput {
  /** Never throws and never waits. */
  write(line: string): void
  /** Writes what is waiting, for the moment before the process ends: as far as the target takes it at once. */
  flushSync(): void
}

export interface LineOutputOptions {
  fd: number
  /** Lines are written in blocks of this size, */
  blockBytes: number
  /** or after this long; a target that took nothing is tried again after it, too. */
  flushMs: number
  /** What is kept for a target that takes nothing. Lines beyond it are lost. */
  waitingBytesMax: number
  /** The line that stands where lines were lost. */
  lostLine(count: number): string
}

const BUSY_TRIES_MAX = 50
const BUSY_PAUSE_MS = 20

/**
 * Writes lines to a descriptor whatever becomes of it: a full disk, a closed terminal or a reader that has gone
 * must not stop the program that tells of its work, and what was kept is written when there is room again.
 */
export function createLineOutput(options: LineOutputOptions): LineOutput {
  const { fd, blockBytes, flushMs, waitingBytesMax, lostLine } = options
  let waiting: string[] = []
  let waitingBytes = 0
  let lost = 0
  /** Taken out of `waiting` and not written to its end. */
  let block: Buffer = Buffer.alloc(0)
  let writing = false
  let failed = false
  let timed = false

  function takeBlock(): Buffer {
    const lines = lost > 0 ? [...waiting, lostLine(lost)] : waiting
    waiting = []
    waitingBytes = 0
    lost = 0
    return Buffer.from(lines.join(''))
  }

  function writeBlock(): void {
    if (writing) return
    if (block.length === 0) block = takeBlock()
    if (block.length === 0) return
    writing = true
    write(fd, block, (error, count) => {
      writing = false
      failed = error !== null
      if (error) return writeLater()
      block = block.subarray(count)
      if (block.length > 0 || waitingBytes >= blockBytes) writeBlock()
      else if (waitingBytes > 0) writeLater()
    })
  }

  function writeLater(): void {
    if (timed) return
    timed = true
    setTimeout(() => {
      timed = false
      writeBlock()
    }, flushMs).unref()
  }

  return {
    write(line) {
      const bytes = Buffer.byteLength(line)
      if (waitingBytes + bytes > waitingBytesMax) {
        lost += 1
        return
      }
      waiting.push(line)
      waitingBytes += bytes
      if (waitingBytes >= blockBytes && !failed) writeBlock()
      else writeLater()
    },
    flushSync() {
      // What is being written is in the hands of the system, which finishes it before the process ends.
      const [begun, inHand] = writing ? [Buffer.alloc(0), block] : [block, Buffer.alloc(0)]
      block = inHand
      const rest = writeAtOnce(fd, Buffer.concat([begun, takeBlock()]))
      if (rest.length === 0) return
      waiting = [rest.toString()]
      waitingBytes = rest.length
    },
  }
}

/** Gives what was not taken. A pipe whose reader is slow is waited for, but not for long; nothing else is. */
function writeAtOnce(fd: number, bytes: Buffer): Buffer {
  let rest = bytes
  for (let tries = 0; rest.length > 0 && tries < BUSY_TRIES_MAX; tries += 1) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return rest
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE_MS)
    }
  }
  return rest
}
