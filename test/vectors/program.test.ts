/** `npm run vectors -- FILE`, as somebody calls it who has a file of vectors. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, inject, test } from 'vitest'
import { VECTORS, vector } from '../sources/vectors.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const OWN = path.join(ROOT, 'test/sources/vectors.json')
const SHARED = path.join(ROOT, '../shared/vectors.json')
const WITHIN_MS = 180_000

if (!existsSync(SHARED)) console.warn('../shared/vectors.json is absent: only our own vectors are sent')

describe('every vector is judged as it says', { timeout: WITHIN_MS }, () => {
  test(`${existsSync(SHARED) ? 'of our own and ' : ''}of the file that this project was given`, async () => {
    const { code, lines } = await runVectors(existsSync(SHARED) ? await bothFiles() : OWN)
    expect(lines).toEqual([expect.stringMatching(/^[1-9]\d* passed, 0 failed$/)])
    expect(Number.parseInt(lines[0] ?? '', 10)).toBeGreaterThanOrEqual(VECTORS.length)
    expect(code).toBe(0)
  })

  test('with nothing prepared', async () => {
    const file = await fileOf([vector('shopify-01'), vector('openticket-01')])
    const { code, lines } = await runVectors(file, { TEST_DATABASE_URL: '' })
    expect({ code, lines }).toEqual({ code: 0, lines: ['2 passed, 0 failed'] })
  })
})

describe('what is not as a vector says is told', { timeout: WITHIN_MS }, () => {
  test('each with what was expected, what happened, and what the operator reads', async () => {
    const signed = vector('shopify-01')
    const { code, lines } = await runVectors(
      await fileOf([
        signed,
        { ...signed, id: 'wrong-verdict', valid: false },
        { ...signed, id: 'other-secret', secret: 'another' },
        { ...signed, id: 'no-such-source', source: 'fax-machine' },
        { ...signed, id: 'odd', body: { id: 1 } },
        { ...vector('openticket-01'), id: 'other-key', expect: { dedupeKey: 'another' } },
        { ...vector('mollie-04-classic'), id: 'by-body', expect: { dedupeByBodyHash: true } },
        { ...vector('adobe-io-05-challenge'), id: 'other-answer', expect: { status: 204, body: 'Hello' } },
      ]),
    )
    expect(code).toBe(1)
    expect(lines.at(-1)).toBe('1 passed, 7 failed')
    expect(told(lines, 'wrong-verdict')).toMatch(
      /expected: refused.*got: +200 \(accepted\), events: 1 queued/s,
    )
    expect(told(lines, 'other-secret')).toMatch(
      /expected: accepted.*got: +401.*operator: unproven: signed with another secret/s,
    )
    expect(told(lines, 'no-such-source')).toContain('there is no source preset "fax-machine"')
    expect(told(lines, 'odd')).toContain('body: is no text')
    expect(told(lines, 'other-key')).toContain('told apart by another')
    expect(told(lines, 'by-body')).toContain('expected: the same again is a duplicate')
    expect(told(lines, 'other-answer')).toMatch(/expected: status 204.*got: +200.*expected: body "Hello"/s)
  })

  test('whatever form it has: nothing that stands in a file ends the program', async () => {
    const retino = {
      source: 'retino',
      secret: 'one',
      headers: { 'X-Retino-Secret': 'one' },
      body: '{}',
      valid: true,
    }
    const { secret: _, ...secretless } = retino
    const good = [
      { ...retino, id: 'old-or-new', secret: ['zero', 'one'] },
      { ...secretless, secrets: [{ secret: 'zero' }, { secret: 'one' }] },
      { ...retino, id: 'lists', headers: [['X-Retino-Secret', 'one']] },
      { ...retino, id: 'list', headers: { 'x-retino-secret': ['one'] } },
      { ...retino, body: undefined, bodyBase64: Buffer.from('{"a":1}').toString('base64') },
      { ...retino, id: 'same' },
      { ...retino, id: 'same' },
      { ...retino, id: 'empty', secret: '', valid: false },
      { ...retino, id: 'hop', headers: { ...retino.headers, 'content-length': '99', connection: 'upgrade' } },
    ]
    const bad = [
      null,
      'text',
      [],
      {},
      { id: 1 },
      secretless,
      { ...retino, valid: undefined },
      { ...retino, now: 'soon' },
      { ...retino, now: 1e300 },
      { ...retino, url: '::' },
      { ...retino, query: 'a b' },
      { ...retino, method: 'NO SUCH' },
      { ...retino, headers: { 'a b': 'c' } },
      { ...retino, headers: { a: 'b\nc' } },
      { ...retino, bodyBase64: 'e30=' },
      { ...retino, kind: 'dance' },
      { ...retino, expect: 'all' },
      { ...retino, source: '__proto__' },
      { ...retino, source: 'paypal', secret: { certsByUrl: { x: 5 } } },
      { ...retino, source: 'adobe-io-events', secret: { keyOrigin: '::' } },
    ]
    const { code, lines, stderr } = await runVectors(await fileOf([...good, ...bad]))
    expect(lines.filter((line) => line.startsWith('FAILED'))).toHaveLength(bad.length)
    expect(lines.at(-1)).toBe(`${good.length} passed, ${bad.length} failed`)
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  })
})

test('a file that is none is refused with a sentence', { timeout: WITHIN_MS }, async () => {
  const folder = inject('scratch')
  const files = [path.join(folder, 'none'), folder, await fileOf([]), await writtenFile('{"a":')]
  const runs = await Promise.all(files.map((file) => runVectors(file)))
  for (const { code, lines } of runs) expect({ code, lines }).toEqual({ code: 2, lines: [] })
  expect(runs.map(({ stderr }, index) => stderr.trim().replace(files[index] ?? '', 'FILE'))).toEqual([
    expect.stringContaining('FILE cannot be read: ENOENT'),
    expect.stringContaining('FILE cannot be read: EISDIR'),
    'FILE is no file of vectors: its list of vectors is empty',
    expect.stringContaining('FILE is no file of vectors: it is no JSON'),
  ])
})

async function bothFiles(): Promise<string> {
  const [own, given] = await Promise.all(
    [OWN, SHARED].map(async (file) => JSON.parse(await readFile(file, 'utf8'))),
  )
  const notes = [own.notes, given.notes]
  return writtenFile(JSON.stringify({ notes, vectors: [...own.vectors, ...given.vectors] }))
}

function fileOf(vectors: unknown[]): Promise<string> {
  return writtenFile(JSON.stringify({ vectors }))
}

async function writtenFile(content: string): Promise<string> {
  const file = path.join(await mkdtemp(path.join(inject('scratch'), 'vectors-')), 'vectors.json')
  await writeFile(file, content)
  return file
}

/** The PostgreSQL of the suite serves unless told otherwise, so that not every call brings one up. */
async function runVectors(file: string, settings: Record<string, string> = {}) {
  const env = { ...process.env, TEST_DATABASE_URL: inject('adminDatabaseUrl'), ...settings }
  const child = spawn('npm', ['run', '--silent', 'vectors', '--', file], { cwd: ROOT, env })
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ])
  return { code, stderr, lines: stdout.split('\n').filter((line) => line !== '') }
}

/** The lines about one vector. */
function told(lines: string[], name: string): string {
  const from = lines.indexOf(`FAILED ${name}`)
  const next = lines.findIndex((line, index) => index > from && !line.startsWith(' '))
  return lines.slice(from, next).join('\n')
}
