import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { TARGETS } from '../../fuzz/targets.ts'
import type { Measured } from './growth-worker.ts'

/** The program itself takes a third of it. */
const HEAP_MB_MAX = 192
/** Four seconds of processor time, which neighbours may take for themselves. */
const WAIT_MS = 120_000

test(
  'time and memory of every reader grow with its input, and no faster',
  async () => {
    const measured = await measureAll()
    for (const { name } of TARGETS) expect(measured.map(({ target }) => target)).toContain(name)
    expect(measured.filter(({ tooFast }) => tooFast)).toEqual([])
  },
  WAIT_MS,
)

/** @throws what ended the thread, and on which input: its heap is limited. */
function measureAll(): Promise<Measured[]> {
  const worker = new Worker(new URL('./growth-worker.ts', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
  })
  const measured: Measured[] = []
  let last: Measured | undefined
  return new Promise((resolve, reject) => {
    worker.on('message', (one: Measured) => {
      last = one
      if (one.growth) measured.push(one)
    })
    worker.on('error', (error) => reject(new Error(`${last?.target}, ${last?.kind}: ${error.message}`)))
    worker.on('exit', () => resolve(measured))
  })
}
