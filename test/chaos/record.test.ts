/** An acknowledgement counts once its line is on the disk: here the test says when it is. */
import { mkdtemp, open, readFile } from 'node:fs/promises'
import path from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, expect, inject, test } from 'vitest'
import { type RecordFile, recordOn } from '../../chaos/record.ts'

type Sync = PromiseWithResolvers<void>

let record: RecordFile<{ number: number }>
let syncs: Sync[]
afterEach(async () => {
  for (const { resolve } of syncs) resolve()
  await record.close()
})

/** A record in a real file, whose syncs begin when they want to and end when the test lets them. */
async function openHeld() {
  const file = path.join(await mkdtemp(path.join(inject('scratch'), 'record-')), 'lines.jsonl')
  const handle = await open(file, 'a')
  syncs = []
  let begun = Promise.withResolvers<void>()
  record = recordOn({
    appendFile: (text) => handle.appendFile(text),
    close: () => handle.close(),
    async datasync() {
      const sync: Sync = Promise.withResolvers()
      syncs.push(sync)
      begun.resolve()
      await sync.promise
      await handle.datasync()
    },
  })
  return {
    file,
    /** Also ends with one of these, so that a record that never syncs is told at once. */
    async syncOr(...appends: Promise<void>[]): Promise<Sync | undefined> {
      await Promise.race([begun.promise, ...appends])
      begun = Promise.withResolvers()
      return syncs.at(-1)
    },
  }
}

function append(number: number) {
  const appending = { done: record.append({ number }), end: 'pending' }
  appending.done.then(
    () => (appending.end = 'on the disk'),
    (error: Error) => (appending.end = error.message),
  )
  return appending
}

test('a line is pending until its sync is done, also when it is in the file already', async () => {
  const { file, syncOr } = await openHeld()
  const one = append(1)
  const sync = await syncOr(one.done)
  expect(await readFile(file, 'utf8')).toBe('{"number":1}\n')
  await turn()
  expect([syncs.length, one.end]).toEqual([1, 'pending'])
  sync?.resolve()
  await one.done
})

test('a line that comes while a sync is under way waits for the next one', async () => {
  const { file, syncOr } = await openHeld()
  const early = append(1)
  const first = await syncOr(early.done)
  const late = [append(2), append(3)]
  first?.resolve()
  await early.done
  const second = await syncOr(...late.map(({ done }) => done))
  await turn()
  expect([syncs.length, ...late.map(({ end }) => end)]).toEqual([2, 'pending', 'pending'])
  second?.resolve()
  await Promise.all(late.map(({ done }) => done))
  expect(await readFile(file, 'utf8')).toBe('{"number":1}\n{"number":2}\n{"number":3}\n')
})

test('a line whose sync fails is refused with the reason', async () => {
  const { syncOr } = await openHeld()
  const one = append(1)
  const sync = await syncOr(one.done)
  sync?.reject(new Error('EIO: i/o error'))
  await expect(one.done).rejects.toThrow('EIO: i/o error')
})
