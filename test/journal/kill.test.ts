import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { JournalLocked } from '../../src/journal/journal.ts'
import { numbered, numberOf } from './numbered.ts'
import { contentOf, drainAndClose, filesIn, freshFolder, openAt } from './world.ts'

const PROGRAM = fileURLToPath(new URL('appending-program.ts', import.meta.url))

interface Appending {
  child: ChildProcess
  /** The numbers it has acknowledged. */
  acked(): number[]
  /** Resolves once it has acknowledged so many, or is gone. */
  untilAcked(count: number): Promise<void>
}

function startAppending(folder: string, first: number): Appending {
  const child = spawn(process.execPath, [PROGRAM, folder, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  let lines = 0
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
    lines += part.split('\n').length - 1
  })
  const gone = once(child, 'close')
  return {
    child,
    // The kill may fall into the middle of a line.
    acked: () => text.split('\n').slice(0, -1).map(Number),
    async untilAcked(count) {
      while (lines < count && child.exitCode === null) await Promise.race([once(child.stdout, 'data'), gone])
    },
  }
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
  expect(child.signalCode).toBe('SIGKILL')
}

test('kill -9 at any moment: every acknowledged record is there, over several lives', async () => {
  const folder = await freshFolder()
  const acked: number[] = []
  for (const [life, enough] of [1, 40, 333, 1000].entries()) {
    const process = startAppending(folder, life * 1_000_000)
    await process.untilAcked(enough)
    await kill(process.child)
    acked.push(...process.acked())
  }
  expect((await filesIn(folder)).length).toBeGreaterThan(4)
  const { records, told } = await drainAndClose(folder)
  const back = records.map(numberOf)
  const isBack = new Set(back)
  expect(acked.length).toBeGreaterThan(1_373)
  expect(acked.filter((number) => !isBack.has(number))).toEqual([])
  expect(back).toEqual([...isBack].toSorted((one, other) => one - other))
  for (const record of records) {
    const number = numberOf(record)
    expect(contentOf(record)).toEqual(contentOf(numbered(number, (number * 37) % 9000)))
  }
  expect(told.filter(({ level }) => level === 'error')).toEqual([])
})

test('a second process is refused as long as the first lives, also one that is stopped, and not a moment longer', async () => {
  const folder = await freshFolder()
  const { child, acked, untilAcked } = startAppending(folder, 0)
  await untilAcked(1)
  await expect(openAt(folder)).rejects.toBeInstanceOf(JournalLocked)
  child.kill('SIGSTOP')
  await expect(openAt(folder)).rejects.toBeInstanceOf(JournalLocked)
  await kill(child)
  const { records } = await drainAndClose(folder)
  expect(records.length).toBeGreaterThanOrEqual(acked().length)
})
