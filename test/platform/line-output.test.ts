import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import { expect, inject, test } from 'vitest'
import { createLineOutput, type LineOutputOptions } from '../../src/platform/line-output.ts'
import { eventually } from '../world/eventually.ts'

function outputTo(fd: number, more: Partial<LineOutputOptions> = {}) {
  return createLineOutput({
    fd,
    blockBytes: 1_000,
    flushMs: 10,
    waitingBytesMax: 100_000,
    lostLine: (count) => `lost ${count}\n`,
    ...more,
  })
}

async function scratchFile(name: string): Promise<string> {
  return path.join(await mkdtemp(path.join(inject('scratch'), 'lines-')), name)
}

/** Both ends of a pipe, of which neither waits; 64 KiB fit into it, less where many pipes are open. */
async function openPipe(): Promise<number> {
  const file = await scratchFile('pipe')
  execFileSync('mkfifo', [file])
  return openSync(file, constants.O_RDWR | constants.O_NONBLOCK)
}

function readWhatIsThere(fd: number): string {
  const chunk = Buffer.alloc(1_000_000)
  let text = ''
  try {
    for (;;) text += chunk.toString('utf8', 0, readSync(fd, chunk))
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('EAGAIN')
    return text
  }
}

test('lines come in their order, in blocks and one by one', async () => {
  const file = await scratchFile('lines')
  const fd = openSync(file, 'w')
  const output = outputTo(fd)
  const lines = Array.from({ length: 5_000 }, (_, at) => `line ${at} – ${'é'.repeat(at % 50)}\n`)
  for (const [at, line] of lines.entries()) {
    output.write(line)
    if (at % 500 === 0) await eventually(() => expect(readFileSync(file, 'utf8')).toContain(line))
  }
  await eventually(() => expect(readFileSync(file, 'utf8')).toBe(lines.join('')))
  closeSync(fd)
})

test('a reader that is slow gets every line that there was room for, and is told how many there were not', async () => {
  const fd = await openPipe()
  const output = outputTo(fd)
  const line = (at: number) => `${String(at).padStart(99, '.')}\n`
  for (let at = 0; at < 5_000; at += 1) {
    output.write(line(at))
    if (at % 100 === 0) await new Promise(setImmediate)
  }
  let text = ''
  const told = () => [...text.matchAll(/^lost (\d+)$/gm)].map(([, lines]) => Number(lines))
  const kept = () => [...text.matchAll(/^\.+(\d+)$/gm)].map(([, at]) => Number(at))
  const lost = () => told().reduce((sum, lines) => sum + lines, 0)
  await eventually(() => {
    text += readWhatIsThere(fd)
    expect(kept().length + lost()).toBe(5_000)
  })
  // As many as may wait, and what the pipe takes.
  expect(kept().length).toBeGreaterThan(1_000)
  expect(lost()).toBeGreaterThan(1_000)
  expect(kept()).toEqual(kept().toSorted((one, other) => one - other))
  expect(new Set(kept()).size).toBe(kept().length)
  expect(text.split('\n')).toHaveLength(kept().length + told().length + 1)
  output.write('afterwards\n')
  await eventually(() => {
    text += readWhatIsThere(fd)
    expect(text).toMatch(/\nafterwards\n$/)
  })
  closeSync(fd)
})

test('at the end what the target takes is written, and a target that takes nothing holds nobody up', async () => {
  const file = await scratchFile('last')
  const fd = openSync(file, 'w')
  const output = outputTo(fd, { flushMs: 60_000 })
  output.write('last words\n')
  output.flushSync()
  expect(readFileSync(file, 'utf8')).toBe('last words\n')
  closeSync(fd)
  // Stays open: what waits is tried again, when its number would be that of somebody else's file.
  const full = openSync('/dev/full', 'w')
  const unheard = outputTo(full, { flushMs: 60_000 })
  unheard.write('last words\n')
  unheard.flushSync()
  unheard.flushSync()
})
