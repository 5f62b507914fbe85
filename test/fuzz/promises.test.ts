/** Every reader of what strangers write, with what once broke it, with its seeds and with what lies near them. */
import { describe, expect, test } from 'vitest'
import { foundInputs } from '../../fuzz/found.ts'
import { mutate } from '../../fuzz/mutate.ts'
import { createRandom } from '../../fuzz/random.ts'
import type { Target } from '../../fuzz/target.ts'
import { TARGETS } from '../../fuzz/targets.ts'
import { trial } from '../../fuzz/trial.ts'

const SEED = 20_260_101
/** `npm run fuzz` tries as many in a second. */
const INPUTS = 150

describe.each(TARGETS.map((target) => [target.name, target] as const))('%s', (_name, target) => {
  test(target.promise, async () => {
    for (const [name, input] of foundInputs(target.name)) await expectKept(target, input, name)
    for (const input of target.seeds) await expectKept(target, input, 'a seed')
    const random = createRandom(SEED)
    const material = {
      words: target.words.map((word) => Buffer.from(word)),
      others: target.seeds,
      bytesMax: 4_000,
    }
    for (let at = 0; at < INPUTS; at++)
      await expectKept(target, mutate(random.pick(target.seeds), material, random), `input ${at}`)
  })
})

async function expectKept(target: Target, input: Buffer, what: string): Promise<void> {
  const broken = await trial(target, input)
  if (broken)
    expect.fail(`${what}: ${broken.kind}: ${JSON.stringify(input.toString('latin1'))}\n${told(broken.error)}`)
}

function told(error: unknown): string {
  return error instanceof Error ? `${error.stack}` : String(error)
}
