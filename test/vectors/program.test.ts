/** `npm run vectors -- FILE`, as somebody calls it who has a file of vectors. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { VECTORS, type Vector, vector } from '../sources/vectors.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const OWN = path.join(ROOT, 'test/sources/vectors.json')
const SHARED = path.join(ROOT, '../shared/vectors.json')
const WITHIN_MS = 180_000

if (!existsSync(SHARED)) console.warn('../shared/vectors.json is absent: only our own vectors are sent')

const signed = vector('shopify-01')

const wrong = [
  { ...signed, id: 'wrong-verdict', valid: false },
  { ...signed, id: 'other-secret', secret: 'another' },
  { ...signed, id: 'no-such-source', source: 'fax-machine' },
  { ...signed, id: 'odd', body: { id: 1 } },
  { ...vector('openticket-01'), id: 'other-key', expect: { dedupeKey: 'another' } },
  { ...vector('mollie-04-classic'), id: 'by-body', expect: { dedupeByBodyHash: true } },
  { ...vector('adobe-io-05-challenge'), id: 'other-answer', expect: { status: 204, body: 'Hello' } },
]

const retino = {
  source: 'retino',
  secret: 'one',
  headers: { 'X-Retino-Secret': 'one' },
  body: '{}',
  valid: true,
}
const { secret: _, ...secretless } = retino

/** Whatever is odd about their form. */
const right = [
  signed,
  vector('openticket-01'),
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

const misshapen = [
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

test(`every vector of our own${existsSync(SHARED) ? ' and of the file that this project was given' : ''} is judged as it says`, {
  timeout: WITHIN_MS,
}, async () => {
  const file = existsSync(SHARED) ? await bothFiles() : OWN
  const { code, lines } = await run('npm', ['run', '--silent', 'vectors', '--', file])
  expect(lines).toEqual([expect.stringMatching(/^[1-9]\d* passed, 0 failed$/)])
  expect(Number.parseInt(lines[0] ?? '', 10)).toBeGreaterThanOrEqual(VECTORS.length)
  expect(code).toBe(0)
})

describe('what is not as a vector says is told', () => {
  let end: Awaited<ReturnType<typeof run>>
  beforeAll(async () => {
    const file = await fileOf([...right, ...wrong, ...misshapen])
    end = await runProgram(file, { TEST_DATABASE_URL: '' })
  }, WITHIN_MS)

  test('with nothing prepared', () => {
    const failed = wrong.length + misshapen.length
    expect(end.lines.at(-1)).toBe(`${right.length} passed, ${failed} failed`)
  })

  test('each with what was expected, what happened, and what the operator reads', () => {
    expect(told(end.lines, 'wrong-verdict')).toMatch(
      /expected: refused.*got: +200 \(accepted\), events: 1 queued/s,
    )
    expect(told(end.lines, 'other-secret')).toMatch(
      /expected: accepted.*got: +401.*operator: unproven: signed with another secret/s,
    )
    expect(told(end.lines, 'no-such-source')).toContain('there is no source preset "fax-machine"')
    expect(told(end.lines, 'odd')).toContain('body: is no text')
    expect(told(end.lines, 'other-key')).toContain('told apart by another')
    expect(told(end.lines, 'by-body')).toContain('expected: the same again is a duplicate')
    expect(told(end.lines, 'other-answer')).toMatch(
      /expected: status 204.*got: +200.*expected: body "Hello"/s,
    )
  })

  test('whatever form it has: nothing that stands in a file ends the program', () => {
    const failed = end.lines.filter((line) => line.startsWith('FAILED'))
    expect(failed).toHaveLength(wrong.length + misshapen.length)
    expect({ code: end.code, stderr: end.stderr }).toEqual({ code: 1, stderr: '' })
  })
})

test('a file that is none is refused with a sentence', { timeout: WITHIN_MS }, async () => {
  const folder = inject('scratch')
  const files = [path.join(folder, 'none'), folder, await fileOf([]), await writtenFile('{"a":')]
  const runs = await Promise.all(files.map((file) => runProgram(file)))
  for (const { code, lines } of runs) expect({ code, lines }).toEqual({ code: 2, lines: [] })
  expect(runs.map(({ stderr }, index) => stderr.trim().replace(files[index] ?? '', 'FILE'))).toEqual([
    expect.stringContaining('FILE cannot be read: ENOENT'),
    expect.stringContaining('FILE cannot be read: EISDIR'),
    'FILE is no file of vectors: its list of vectors is empty',
    expect.stringContaining('FILE is no file of vectors: it is no JSON'),
  ])
})

/** Ours, and those of the given ones that ours do not repeat: some of ours also name the fault. */
async function bothFiles(): Promise<string> {
  const [own, given] = await Promise.all(
    [OWN, SHARED].map(async (file) => JSON.parse(await readFile(file, 'utf8'))),
  )
  const isRepeated = (one: Vector) =>
    own.vectors.some(({ fault: _, ...rest }: Vector) => isDeepStrictEqual(rest, one))
  const notes = [own.notes, given.notes]
  const vectors = [...own.vectors, ...given.vectors.filter((one: Vector) => !isRepeated(one))]
  return writtenFile(JSON.stringify({ notes, vectors }))
}

function fileOf(vectors: unknown[]): Promise<string> {
  return writtenFile(JSON.stringify({ vectors }))
}

async function writtenFile(content: string): Promise<string> {
  const file = path.join(await mkdtemp(path.join(inject('scratch'), 'vectors-')), 'vectors.json')
  await writeFile(file, content)
  return file
}

function runProgram(file: string, settings: Record<string, string> = {}) {
  return run(process.execPath, ['test/vectors/program.ts', file], settings)
}

/** The PostgreSQL of the suite serves unless told otherwise, so that not every call brings one up. */
async function run(command: string, args: string[], settings: Record<string, string> = {}) {
  const env = { ...process.env, TEST_DATABASE_URL: inject('adminDatabaseUrl'), ...settings }
  const child = spawn(command, args, { cwd: ROOT, env })
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
