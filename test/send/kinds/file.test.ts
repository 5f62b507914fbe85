import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import type { Json } from '../../../src/payload/exact-json.ts'
import { newId } from '../../../src/platform/ids.ts'
import { deliverOneByOne, SHARED } from './file-writer.ts'
import { type Bench, openBench, verdictOf } from './world.ts'

let root: string
let outside: string
let bench: Bench

beforeEach(async () => {
  root = await mkdtemp(path.join(inject('scratch'), 'files-'))
  outside = await mkdtemp(path.join(inject('scratch'), 'outside-'))
  bench = openBench([], { filesDir: root })
})
afterEach(() => bench.close())

const given = { kind: 'file' as const, name: '{{ shop }}/orders.ndjson' }
const item = { shop: 'north', n: 1 }

async function linesOf(...names: string[]) {
  const texts = await Promise.all(names.map((name) => readFile(path.join(root, name), 'utf8')))
  return texts.flatMap((text) => {
    expect(text.endsWith('\n')).toBe(true)
    return text
      .slice(0, -1)
      .split('\n')
      .map((line) => JSON.parse(line) as { delivery_id: string; item: Json })
  })
}

describe('a file below the folder', () => {
  test('gets a line for a delivery, with its id', async () => {
    const deliveryId = newId()
    const sent = await bench.send(given, { shop: 'north', n: 12345678901234567890n }, { deliveryId })
    expect(verdictOf(sent)).toBe('delivered success')
    expect(await readFile(path.join(root, 'north/orders.ndjson'), 'utf8')).toBe(
      `{"delivery_id":"${deliveryId}","item":{"shop":"north","n":12345678901234567890}}\n`,
    )
    expect(sent.request).toMatchObject({ method: 'APPEND', url: 'file:north/orders.ndjson' })
  })

  test('gets every line once when many come at the same moment, from several senders', async () => {
    const others = [bench, openBench([], { filesDir: root }), openBench([], { filesDir: root })]
    const ids = Array.from({ length: 90 }, newId)
    const sent = await Promise.all(
      ids.map((deliveryId, at) =>
        (others[at % others.length] ?? bench).send(given, { ...item, n: at }, { deliveryId }),
      ),
    )
    expect(new Set(sent.map(verdictOf))).toEqual(new Set(['delivered success']))
    expect((await linesOf('north/orders.ndjson')).map((line) => line.delivery_id).toSorted()).toEqual(
      ids.toSorted(),
    )
    for (const other of others.slice(1)) await other.close()
  })

  test('is not written to again by a later attempt of the same delivery', async () => {
    const deliveryId = newId()
    await bench.send(given, item, { deliveryId })
    for (const n of [2, 3]) await bench.send(given, { ...item, n })
    const again = await bench.send(given, item, { deliveryId, number: 2 })
    expect(again.came).toBe('delivered before: nothing was written')
    expect(await linesOf('north/orders.ndjson')).toHaveLength(3)
  })

  test('is not written to again either when the clock was set back meanwhile', async () => {
    const deliveryId = newId()
    await bench.send(given, item, { deliveryId })
    const hourAgo = Date.now() / 1_000 - 3_600
    await utimes(path.join(root, 'north/orders.ndjson'), hourAgo, hourAgo)
    const again = await bench.send(given, item, { deliveryId, number: 2 })
    expect(again.came).toBe('delivered before: nothing was written')
  })

  test('is rotated by size, also between attempts, and loses nothing', async () => {
    const small = { ...given, bytesMax: 1_024 }
    const ids = Array.from({ length: 40 }, newId)
    for (const [n, deliveryId] of ids.entries()) await bench.send(small, { ...item, n }, { deliveryId })
    const names = await readdir(path.join(root, 'north'))
    expect(names.length).toBeGreaterThan(3)
    const lines = await linesOf(...names.map((name) => `north/${name}`))
    expect(lines.map((line) => line.delivery_id).toSorted()).toEqual(ids.toSorted())
    for (const deliveryId of ids)
      expect((await bench.send(small, item, { deliveryId, number: 2 })).came).toMatch(/^delivered before/)
  })

  test('leaves as many full files as it is told', async () => {
    for (let n = 0; n < 60; n++) await bench.send({ ...given, bytesMax: 1_024, filesMax: 2 }, { ...item, n })
    const names = await readdir(path.join(root, 'north'))
    expect(names).toHaveLength(3)
    expect((await linesOf('north/orders.ndjson')).at(-1)?.item).toMatchObject({ n: 59 })
  })

  test('that a crash left with a torn last line loses that line, and gets it again from the next attempt', async () => {
    const [whole, torn] = [newId(), newId()]
    await bench.send(given, item, { deliveryId: whole })
    const file = path.join(root, 'north/orders.ndjson')
    for (const part of [
      `{"delivery_id":"${torn}","item":{"shop":"nor`,
      '{"deli',
      `{"delivery_id":"${torn}","item":{}}`,
    ]) {
      await appendFile(file, part)
      await bench.send(given, item)
    }
    const lines = await linesOf('north/orders.ndjson')
    expect(lines).toHaveLength(4)
    expect(lines.map((line) => line.delivery_id)).not.toContain(torn)
    expect((await bench.send(given, item, { deliveryId: torn, number: 2 })).came).toMatch(/bytes written/)
  })

  test('that several processes write to, of which one is killed, has what they delivered, once', {
    timeout: 60_000,
  }, async () => {
    const program = fileURLToPath(new URL('file-writer-program.ts', import.meta.url))
    const idsOfVictim = Array.from({ length: 40 }, newId)
    const ownIds = Array.from({ length: 40 }, newId)
    const child = spawn(process.execPath, ['--no-node-snapshot', program, root, ...idsOfVictim], {
      stdio: 'pipe',
      env: { ...process.env, DIES_AFTER: '25' },
    })
    const ofVictim: string[] = []
    createInterface(child.stdout).on('line', (id) => ofVictim.push(id))
    const ended = once(child, 'close')
    await once(child.stdout, 'data')
    // The other process is this one, which starts when it meets the victim at its work.
    const sent = await deliverOneByOne(bench, ownIds)
    await ended
    const names = () => readdir(root)
    const found = async () =>
      (await linesOf(...(await names()).filter((name) => !name.includes('.lock')))).map(
        (line) => line.delivery_id,
      )
    expect(ofVictim).toHaveLength(25)
    expect(sent).toEqual(ownIds)
    const delivered = [...ofVictim, ...sent]
    // Torn by the kill, the last line may be mended only by whoever writes next.
    await bench.send(SHARED, item)
    const before = await found()
    expect(delivered.filter((id) => !before.includes(id))).toEqual([])
    const ids = [...idsOfVictim, ...ownIds]
    const again = await Promise.all(
      ids.map((deliveryId) => bench.send(SHARED, item, { deliveryId, number: 2 })),
    )
    expect(new Set(again.map(verdictOf))).toEqual(new Set(['delivered success']))
    const after = await found()
    expect(new Set(after).size).toBe(after.length)
    expect(after).toHaveLength(81)
  })

  test('of somebody else, without a line break at its end, keeps what it has', async () => {
    await writeFile(path.join(root, 'mine.ndjson'), '{"mine":true}')
    await bench.send({ ...given, name: 'mine.ndjson' }, item)
    expect((await linesOf('mine.ndjson')).map((line) => Object.keys(line)[0])).toEqual([
      'mine',
      'delivery_id',
    ])
  })

  test('that another living process has locked is tried again later', { timeout: 15_000 }, async () => {
    await mkdir(path.join(root, 'north'))
    const lock = path.join(root, 'north/orders.ndjson.lock')
    await writeFile(lock, `${hostname()} ${process.ppid}`)
    expect(verdictOf(await bench.send(given, item))).toBe('retry busy')
    expect(await readdir(path.join(root, 'north'))).toEqual(['orders.ndjson.lock'])
    await rm(lock)
    expect(verdictOf(await bench.send(given, item))).toBe('delivered success')
  })

  test('whose lock was left by a process that is gone is written to at once', async () => {
    await mkdir(path.join(root, 'north'))
    for (const pid of [process.pid, 2 ** 22 - 1]) {
      await writeFile(path.join(root, 'north/orders.ndjson.lock'), `${hostname()} ${pid}`)
      expect(verdictOf(await bench.send(given, item))).toBe('delivered success')
    }
    expect(await readdir(path.join(root, 'north'))).toEqual(['orders.ndjson'])
  })
})

describe('nothing is written outside of the folder', () => {
  const escapes = [
    '../out',
    '../../etc/passwd',
    '/etc/passwd',
    '..',
    '.hidden',
    'a/../../b',
    'a\u0000b',
    '..\\out',
    '\u2024\u2024/x',
  ]

  test.each(escapes)('by a field that holds %j', async (shop) => {
    const sent = await bench.send(given, { ...item, shop })
    expect(verdictOf(sent)).toBe('delivered success')
    const [folder = ''] = await readdir(root)
    expect(await readdir(root)).toHaveLength(1)
    expect(folder).toMatch(/^[\p{L}\p{N}_][\p{L}\p{N}._-]*$/u)
    expect(await readdir(path.join(root, folder))).toEqual(['orders.ndjson'])
    expect(await readdir(outside)).toEqual([])
  })

  test('by links that somebody put there, of folders and of files', async () => {
    await symlink(outside, path.join(root, 'north'))
    expect(verdictOf(await bench.send(given, item))).toBe('dead not_allowed')
    await mkdir(path.join(root, 'south'))
    await writeFile(path.join(outside, 'target'), '')
    await symlink(path.join(outside, 'target'), path.join(root, 'south/orders.ndjson'))
    expect(verdictOf(await bench.send(given, { ...item, shop: 'south' }))).toBe('dead not_allowed')
    await mkdir(path.join(root, 'west'))
    await link(path.join(outside, 'target'), path.join(root, 'west/orders.ndjson'))
    expect(verdictOf(await bench.send(given, { ...item, shop: 'west' }))).toBe('dead not_allowed')
    expect(await readFile(path.join(outside, 'target'), 'utf8')).toBe('')
    expect(await readdir(outside)).toEqual(['target'])
  })

  test('by a pipe that somebody put there, and nobody waits for its reader', async () => {
    const { execFileSync } = await import('node:child_process')
    execFileSync('mkfifo', [path.join(root, 'pipe')])
    expect(verdictOf(await bench.send({ ...given, name: 'pipe' }, item))).toBe('dead not_allowed')
  })

  test('where there is no folder for files at all', async () => {
    const none = openBench([])
    const sent = await none.send(given, item)
    expect(verdictOf(sent)).toBe('dead not_allowed')
    expect(sent.verdict.message).toContain('FILES_DIR')
    await none.close()
    const gone = openBench([], { filesDir: path.join(root, 'gone') })
    expect(verdictOf(await gone.send(given, item))).toBe('retry server_error')
    await gone.close()
  })
})
