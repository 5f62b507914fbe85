import type { Coverage } from './coverage.ts'
import { foundInputs } from './found.ts'
import { drawPump, grown, growsTooFast, type Pump } from './growth.ts'
import { mutate } from './mutate.ts'
import { createRandom, type Random } from './random.ts'
import type { Target } from './target.ts'
import { type Broken, trial } from './trial.ts'

export interface Exploration {
  readonly inputs: number
  /** Inputs that went where none before them had been. */
  readonly kept: number
  /** Characters of the program that were run. */
  readonly reached: number
  readonly pumps: number
  /** Of all long inputs the one that took the most time for its length, and what came again and again in it. */
  readonly slowest: { readonly cost: number; readonly piece: string }
  readonly broken?: Broken & { readonly input: Buffer; readonly pump?: Pump }
}

export interface Explorer {
  readonly seed: number
  /** Opened before the target was loaded. */
  readonly coverage: Coverage
  /** Asked between rounds. */
  goesOn(): boolean
  /** Told of every input before it is read, so that it is known if that never ends. */
  isTrying(input: Buffer): void
  /** Told now and then. */
  progress(soFar: Exploration): void
}

const INPUTS_A_ROUND = 24
const ROUNDS_A_PUMP = 4
/** Longer ones are tried as pumps: here they would only be slow. */
const INPUT_BYTES_MAX = 8_192
const PUMPED_BYTES_MAX = 200_000

/**
 * Looks for an input that breaks a promise: begins from the seeds, changes them, and goes on from what reached code
 * that no input before it had reached. Now and then a part of one is repeated many times, and the time is measured.
 * Ends with the first that is broken.
 */
export async function explore(target: Target, explorer: Explorer): Promise<Exploration> {
  const random = createRandom(explorer.seed)
  const { coverage } = explorer
  const pool: Buffer[] = []
  const words = target.words.map((word) => Buffer.from(word))
  const count = { inputs: 0, pumps: 0, slowest: { cost: 0, piece: '' } }
  const soFar = (): Exploration => ({ ...count, kept: pool.length, reached: coverage.reached() })

  async function run(round: readonly Buffer[]): Promise<Exploration['broken']> {
    for (const input of round) {
      explorer.isTrying(input)
      count.inputs++
      const broken = await trial(target, input)
      if (broken) return { ...broken, input }
    }
    return undefined
  }

  async function pump(): Promise<Exploration['broken']> {
    const drawn = drawPump(pool, words, random)
    const bytes = Math.min(PUMPED_BYTES_MAX, target.bytesMax)
    const input = grown(drawn)(bytes)
    explorer.isTrying(input)
    count.pumps++
    const { growth, tooFast } = await growsTooFast(target, grown(drawn), bytes)
    if (growth.cost > count.slowest.cost)
      count.slowest = { cost: growth.cost, piece: drawn.piece.toString('latin1') }
    if (!tooFast) return undefined
    const told = `${growth.ratio.toFixed(1)} times as long as a fourth of them, ${growth.cost.toFixed(0)} times as long as JSON.parse`
    const error = new Error(`${growth.bytes} bytes took ${told}`)
    return { kind: 'time grows faster than the input', error, input, pump: drawn }
  }

  let round: readonly Buffer[] = [...target.seeds, ...foundInputs(target.name).map(([, input]) => input)]
  coverage.take()
  pool.push(...round)
  for (let rounds = 1; ; rounds++) {
    const broken = (await run(round)) ?? (rounds % ROUNDS_A_PUMP === 0 ? await pump() : undefined)
    if (broken) return { ...soFar(), broken }
    if (coverage.isNew(coverage.take())) await keepNew(target, round, pool, coverage)
    explorer.progress(soFar())
    if (!explorer.goesOn()) return soFar()
    const material = { words, others: pool, bytesMax: INPUT_BYTES_MAX }
    round = Array.from({ length: INPUTS_A_ROUND }, () => mutate(recent(pool, random), material, random))
  }
}

/** What was found lately is changed more often than the rest. */
function recent(pool: readonly Buffer[], random: Random): Buffer {
  return random.oneIn(3) ? random.pick(pool.slice(-20)) : random.pick(pool)
}

async function keepNew(
  target: Target,
  round: readonly Buffer[],
  pool: Buffer[],
  coverage: Coverage,
): Promise<void> {
  for (const input of round) {
    await trial(target, input)
    const sample = coverage.take()
    if (!coverage.isNew(sample)) continue
    coverage.keep(sample)
    if (!pool.includes(input)) pool.push(input)
  }
}
