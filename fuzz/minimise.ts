import type { Target } from './target.ts'
import { trial } from './trial.ts'

const TRIALS_MAX = 3_000

/** A shorter input that breaks the same promise: parts are left out as long as it does, then bytes become `a`. */
export async function minimise(target: Target, input: Buffer, kind: string): Promise<Buffer> {
  let left = TRIALS_MAX
  const breaks = async (candidate: Buffer) => left-- > 0 && (await trial(target, candidate))?.kind === kind
  let small = input
  for (let part = Math.ceil(small.length / 2); part >= 1; part = part === 1 ? 0 : Math.ceil(part / 2)) {
    for (let at = 0; at < small.length; ) {
      const candidate = Buffer.concat([small.subarray(0, at), small.subarray(at + part)])
      if (await breaks(candidate)) small = candidate
      else at += part
    }
  }
  for (let at = 0; at < small.length; at++) {
    const candidate = Buffer.from(small)
    candidate[at] = PLAIN
    if (small[at] !== PLAIN && (await breaks(candidate))) small = candidate
  }
  return small
}

const PLAIN = 0x61
