import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { JournalLocked } from '../../src/journal/journal.ts'
import { numbered, numberOf } from './numbered.ts'
import { contentOf, drainAndClose, filesIn, freshFolder, openAt } from './world.ts'

const PROGRAM = fileURLToPath(new URL('appending-program.ts', import.meta.url))

/** A process that appends, and the numbers it has acknowledged. */
function startAppending(folder: string, first: number): { child: ChildProcess; acked: () => number[] } {
  const child = spawn(process.execPath, [PROGRAM, folder, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part
  })
  // The kill may fall into the middle of a line.
  return { child, acked: () => text.split('\n').slice(0, -1).map(Number) }
}

async function killAfter(child: ChildProcess, isEnough: () => boolean): Promise<void> {
  const closed = once(child, 'close')
  while (!isEnough() && child.exitCode === null) await new Promise(setImmediate)
  child.kill('SIGKILL')
  await closed
  expect(child.signalCode).toBe('SIGKILL')
}

test('kill -9 at any moment: every acknowledged record is there, over several lives', async () => {
  const folder = await freshFolder()
  const acked: number[] = []
  for (const [life, enough] of [1, 40, 333, 1000].entries()) {
    const process = startAppending(folder, life * 1_000_000)
    await killAfter(process.child, () => process.acked().length >= enough)
    acked.push(...process.acked())
  }
  expect((await filesIn(folder)).length).toBeGreaterThan(4)
  const { records, told } = await drainAndClose(folder)
  const back = records.map(numberOf)
  expect(acked.length).toBeGreaterThan(1_373)
  expect(acked.filter((number) => !new Set(back).has(number))).toEqual([])
  expect(back).toEqual([...new Set(back)].toSorted((one, other) => one - other))
  for (const record of records) {
    const number = numberOf(record)
    expect(contentOf(record)).toEqual(contentOf(numbered(number, (number * 37) % 9000)))
  }
  expect(told.filter(({ level }) => level === 'error')).toEqual([])
})

test('a second process is refused as long as the first lives, also one that is stopped, and not a moment longer', async () => {
  const folder = await freshFolder()
  const { child, acked } = startAppending(folder, 0)
  while (acked().length === 0 && child.exitCode === null) await new Promise(setImmediate)
  await expect(openAt(folder)).rejects.toBeInstanceOf(JournalLocked)
  child.kill('SIGSTOP')
  await expect(openAt(folder)).rejects.toBeInstanceOf(JournalLocked)
  await killAfter(child, () => true)
  const { records } = await drainAndClose(folder)
  expect(records.length).toBeGreaterThanOrEqual(acked().length)
})
