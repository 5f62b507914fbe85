/** Something that reads what a stranger wrote, and what is promised of it. */
export interface Target {
  readonly name: string
  /** What is read, in a few words. */
  readonly reads: string
  /** What is promised, beside that nothing is thrown and that time and memory grow with the input and no faster. */
  readonly promise: string
  /** Whole inputs to begin from, good ones and bad ones. */
  readonly seeds: readonly Buffer[]
  /** Pieces that mean something to the reader. */
  readonly words: readonly string[]
  /** As much as it is ever given. */
  readonly bytesMax: number
  /** Inputs of any length, each of a kind of its own: about so many bytes as are asked for. */
  readonly long: Readonly<Record<string, (bytes: number) => Buffer>>
  /** Reads, as the gateway does it. */
  read(input: Buffer): unknown
  /**
   * Holds what was read against what is promised.
   *
   * @throws when it is broken.
   */
  judge(input: Buffer, result: unknown): void | Promise<void>
}

interface TargetOf<Result> extends Omit<Target, 'seeds' | 'read' | 'judge' | 'long' | 'bytesMax'> {
  readonly seeds: readonly (string | Buffer)[]
  readonly bytesMax?: number
  readonly long?: Target['long']
  read(input: Buffer): Result
  judge?(input: Buffer, result: Awaited<Result>): void | Promise<void>
}

/** Gives a target its types: what it reads is what it judges. */
export function target<Result>(given: TargetOf<Result>): Target {
  return {
    bytesMax: BODY_BYTES_MAX,
    long: {},
    ...given,
    seeds: given.seeds.map((seed) => Buffer.from(seed as string)),
    judge: (input, result) => given.judge?.(input, result as Awaited<Result>),
  }
}

/** What is tried of a body; the gateway takes more. */
const BODY_BYTES_MAX = 1_000_000
/** As HEADER_BYTES_MAX has it: no header is longer. */
export const HEADER_BYTES_MAX = 16_384

/** @throws when a promise does not hold. */
export function promised(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new Error(`broken: ${promise}`)
}

/** An input of several parts, which stand behind each other with a line of dashes between; what is missing is empty. */
export function partsOf(input: Buffer, count: number): Buffer[] {
  const parts: Buffer[] = []
  let from = 0
  while (parts.length < count - 1) {
    const end = input.indexOf(BETWEEN, from)
    if (end === -1) break
    parts.push(input.subarray(from, end))
    from = end + BETWEEN.length
  }
  parts.push(input.subarray(from))
  while (parts.length < count) parts.push(Buffer.alloc(0))
  return parts
}

export function joinParts(...parts: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part, at) => [...(at === 0 ? [] : [BETWEEN]), Buffer.from(part as string)]),
  )
}

const BETWEEN = Buffer.from('\n---\n')

/** A text that repeats a piece until it is about so long. */
export function filled(bytes: number, piece: string, before = '', after = ''): Buffer {
  return Buffer.from(before + piece.repeat(Math.max(1, Math.floor(bytes / piece.length))) + after)
}
