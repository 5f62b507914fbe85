import type { Random } from './random.ts'

export interface Material {
  /** Pieces that mean something to the reader. */
  readonly words: readonly Buffer[]
  /** Inputs whose parts may be mixed in. */
  readonly others: readonly Buffer[]
  readonly bytesMax: number
}

/** Another input near this one: one change, or several one after the other. */
export function mutate(input: Buffer, material: Material, random: Random): Buffer {
  let changed = input
  for (let left = 1 + random.below(random.oneIn(4) ? 12 : 3); left > 0; left--)
    changed = random.pick(CHANGES)(changed, material, random)
  return changed.length > material.bytesMax ? changed.subarray(0, material.bytesMax) : changed
}

type Change = (input: Buffer, material: Material, random: Random) => Buffer

/** What readers of every kind trip over: ends of ranges, characters of several bytes, halves of them, blanks. */
const ODD = [
  '\0',
  '\u0001',
  '\t',
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\u007f',
  '\u0085',
  '\u00a0',
  '\u2028',
  '\ufeff',
  '\ufffd',
  '\uffff',
  '😀',
  '__proto__',
  'constructor',
  'toString',
  '-1',
  '0',
  '00',
  '1e400',
  '-0',
  '9007199254740993',
  '4294967296',
  '9'.repeat(40),
  '0.1000000000000000055511151231257827',
].map((text) => Buffer.from(text))
const ODD_BYTES = ['80', 'c0af', 'eda080', 'f4908080', 'fffe', 'feff', 'efbbbf', 'c3', 'e2'].map((hex) =>
  Buffer.from(hex, 'hex'),
)

const CHANGES: readonly Change[] = [
  flipBit,
  setByte,
  cut,
  repeat,
  insertWord,
  insertWord,
  overwrite,
  mix,
  swap,
  digits,
]

function flipBit(input: Buffer, _material: Material, random: Random): Buffer {
  if (input.length === 0) return input
  const changed = Buffer.from(input)
  const at = random.below(input.length)
  changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8))
  return changed
}

function setByte(input: Buffer, _material: Material, random: Random): Buffer {
  if (input.length === 0) return input
  const changed = Buffer.from(input)
  changed[random.below(input.length)] = random.below(random.oneIn(3) ? 256 : 128)
  return changed
}

function cut(input: Buffer, _material: Material, random: Random): Buffer {
  const [from, to] = range(input, random)
  return replace(input, from, to, NOTHING)
}

/** A part several times, mostly few: how time grows with many is measured elsewhere. */
function repeat(input: Buffer, _material: Material, random: Random): Buffer {
  const [from, to] = range(input, random)
  const part = input.subarray(from, Math.min(to, from + 200))
  const times = random.oneIn(8) ? random.below(300) : 1 + random.below(6)
  return replace(input, to, to, Buffer.concat(Array(times).fill(part)))
}

function insertWord(input: Buffer, material: Material, random: Random): Buffer {
  const at = random.below(input.length + 1)
  return replace(input, at, at, wordOf(material, random))
}

function overwrite(input: Buffer, material: Material, random: Random): Buffer {
  const [from, to] = range(input, random)
  return replace(input, from, Math.min(to, from + 20), wordOf(material, random))
}

function mix(input: Buffer, { others }: Material, random: Random): Buffer {
  const other = others.length === 0 ? input : random.pick(others)
  const [from, to] = range(other, random)
  const [at, end] = range(input, random)
  return replace(input, at, random.oneIn(2) ? at : end, other.subarray(from, to))
}

function swap(input: Buffer, _material: Material, random: Random): Buffer {
  const [from, to] = range(input, random)
  const at = random.below(from + 1)
  return Buffer.concat([
    input.subarray(0, at),
    input.subarray(from, to),
    input.subarray(at, from),
    input.subarray(to),
  ])
}

/** Another number in the place of one that is there. */
function digits(input: Buffer, _material: Material, random: Random): Buffer {
  const numbers = [...input.toString('latin1').matchAll(/[0-9]+/g)]
  if (numbers.length === 0) return input
  const { index, 0: written } = random.pick(numbers)
  const other = random.pick([
    '0',
    '1',
    '-1',
    '255',
    '256',
    '65536',
    '2147483648',
    '4294967295',
    '9'.repeat(30),
  ])
  return replace(input, index, index + written.length, Buffer.from(other))
}

const NOTHING = Buffer.alloc(0)

function wordOf({ words }: Material, random: Random): Buffer {
  if (words.length > 0 && !random.oneIn(4)) return random.pick(words)
  return random.pick(random.oneIn(3) ? ODD_BYTES : ODD)
}

/** Short parts more often than long ones. */
function range(input: Buffer, random: Random): [from: number, to: number] {
  const from = random.below(input.length + 1)
  const longest = random.oneIn(4) ? input.length : 16
  return [from, Math.min(input.length, from + random.below(longest + 1))]
}

function replace(input: Buffer, from: number, to: number, part: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, from), part, input.subarray(to)])
}
