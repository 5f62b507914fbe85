import type { Random } from './random.ts'
import { joinParts, partsOf, type Target } from './target.ts'

/** How the processor time of reading grows with the input. */
export interface Growth {
  readonly bytes: number
  readonly cpuMs: number
  /** Time of the longer input over that of one a fourth as long: 4 is linear, 16 is quadratic. */
  readonly ratio: number
  /** Time over that of JSON.parse, on the same machine, for as many bytes of ordinary JSON; 0 for short input. */
  readonly cost: number
}

/** Linear reading shows up to 7 on a busy machine, n log n less than 5, quadratic reading no less than 12. */
const RATIO_MAX = 8
/** Reading, checking and writing again what has many small parts costs up to 200. */
const COST_MAX = 1_000
/** Shorter input is mostly the cost of beginning. */
const COSTED_BYTES_MIN = 10_000
/** Shorter times tell of the machine, not of the reader. */
const CPU_MS_MIN = 8
const MEASURED = 5
const LONG_MS = 1_000

/**
 * Reads an input of about so many bytes and one a fourth as long. What is too large is measured again, because a
 * machine has its moods and a quadratic reader has not.
 */
export async function growthOf(
  target: Target,
  make: (bytes: number) => Buffer,
  bytes: number,
): Promise<Growth> {
  const [short, long] = [make(bytes / 4), make(bytes)]
  let best: Growth | undefined
  for (let times = 1; times <= MEASURED; times++) {
    const cpuMs = await cpuMsOf(target, long)
    if (cpuMs < CPU_MS_MIN) return growth(long.length, cpuMs, 1)
    const ratio = cpuMs / Math.max(await cpuMsOf(target, short), 0.5)
    const measured = growth(long.length, cpuMs, ratio)
    best = best ? leastOf(best, measured) : measured
    if ((best.ratio <= RATIO_MAX && best.cost <= COST_MAX) || (times > 1 && cpuMs > LONG_MS)) break
  }
  return best ?? growth(long.length, 0, 1)
}

/** Each figure for itself: what makes one too large for a moment is not what makes the other so. */
function leastOf(one: Growth, other: Growth): Growth {
  return {
    ...one,
    cpuMs: Math.min(one.cpuMs, other.cpuMs),
    ratio: Math.min(one.ratio, other.ratio),
    cost: Math.min(one.cost, other.cost),
  }
}

function growth(bytes: number, cpuMs: number, ratio: number): Growth {
  return { bytes, cpuMs, ratio, cost: bytes < COSTED_BYTES_MIN ? 0 : cpuMs / (bytes * parseMsPerByte()) }
}

let knownMsPerByte: number | undefined

/** The least of several times is what the machine can do. */
function parseMsPerByte(): number {
  knownMsPerByte ??= Math.min(...Array.from({ length: 4 }, parseOnce))
  return knownMsPerByte
}

function parseOnce(): number {
  const lines = Array.from({ length: 20_000 }, (_, at) => ({ sku: `T-${at}`, quantity: at, price: '9.95' }))
  const text = JSON.stringify(lines)
  const before = process.threadCpuUsage()
  JSON.parse(text)
  return msOf(process.threadCpuUsage(before)) / text.length
}

/**
 * Whether reading costs too much for its length, or its time grows faster than the input: at two lengths, because a
 * limit between two looks the same once, but not again. Where the first took long, that is enough.
 */
export async function growsTooFast(
  target: Target,
  make: (bytes: number) => Buffer,
  bytes: number,
): Promise<{ growth: Growth; tooFast: boolean }> {
  const found = await growthOf(target, make, bytes)
  if (found.cost > COST_MAX) return { growth: found, tooFast: true }
  if (found.ratio <= RATIO_MAX || found.cpuMs > LONG_MS)
    return { growth: found, tooFast: found.ratio > RATIO_MAX }
  return { growth: found, tooFast: (await growthOf(target, make, bytes * 4)).ratio > RATIO_MAX }
}

/** Of this thread alone, where all is done in it; what is waited for may be done in others of this process. */
async function cpuMsOf(target: Target, input: Buffer): Promise<number> {
  const before = { thread: process.threadCpuUsage(), process: process.cpuUsage() }
  const result = target.read(input)
  if (!(result instanceof Promise)) return msOf(process.threadCpuUsage(before.thread))
  await result
  return msOf(process.cpuUsage(before.process))
}

function msOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1_000
}

/** An input of any length: a part of it comes again and again. */
export interface Pump {
  readonly head: Buffer
  readonly piece: Buffer
  readonly tail: Buffer
}

export function grown({ head, piece, tail }: Pump): (bytes: number) => Buffer {
  return (bytes) => {
    const times = Math.max(1, Math.floor((bytes - head.length - tail.length) / piece.length))
    return Buffer.concat([head, Buffer.concat(Array(times).fill(piece)), tail])
  }
}

/** A short part of an input, or words of its reader, to be repeated where it stands. */
export function drawPump(pool: readonly Buffer[], words: readonly Buffer[], random: Random): Pump {
  const input = random.pick(pool)
  const at = random.below(input.length + 1)
  const length = 1 + random.below(12)
  const own = input.subarray(at, at + length)
  const ofWords = words.length === 0 ? EMPTY : Buffer.concat([random.pick(words), random.pick(words)])
  const pieces = [own, ofWords].filter((piece) => piece.length > 0)
  const tail = random.pick([input.subarray(at), input.subarray(at + length), EMPTY, WRONG])
  return { head: input.subarray(0, at), piece: pieces.length === 0 ? WRONG : random.pick(pieces), tail }
}

const EMPTY = Buffer.alloc(0)
/** What follows shows whether a reader goes back over what it took. */
const WRONG = Buffer.from('\0!')

export function writePump({ head, piece, tail }: Pump): Buffer {
  return joinParts(head.toString('base64'), piece.toString('base64'), tail.toString('base64'))
}

export function readPump(file: Buffer): Pump {
  const [head = EMPTY, piece = EMPTY, tail = EMPTY] = partsOf(file, 3).map((part) =>
    Buffer.from(part.toString('latin1'), 'base64'),
  )
  return { head, piece, tail }
}
