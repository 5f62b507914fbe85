import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { importFunctions } from '../../src/cli/functions-from-files.ts'
import { functionVersion } from '../../src/integrations/integrations.ts'
import { createLog } from '../../src/platform/log.ts'
import { createMetrics } from '../../src/platform/metrics.ts'
import { createRewriter, type Rewriter } from '../../src/rewrite/rewrite.ts'
import { openProcess, type Process } from '../integrations/world.ts'
import { LIMITS } from '../rewrite/sandbox-world.ts'
import { freshDatabase } from '../world/database.ts'

const FIRST = 'return { jobStatus: 1, data: 1 }'
const SECOND = 'return { jobStatus: 1, data: 2 }'

let database: { url: string; drop(): Promise<void> }
let program: Process
let rewriter: Rewriter
let folder: string

beforeAll(async () => {
  database = await freshDatabase()
  program = await openProcess(database.url)
  const log = createLog('silent')
  rewriter = createRewriter({ processes: 1, limits: LIMITS, metrics: createMetrics(), log })
  folder = await mkdtemp(path.join(inject('scratch'), 'functions-'))
})
afterAll(async () => {
  await rewriter.close()
  await program.close()
  await database.drop()
})

/** What a start with these files says. */
async function startWith(files: Record<string, string>): Promise<object[]> {
  for (const [name, source] of Object.entries(files)) await writeFile(path.join(folder, name), source)
  const lines: object[] = []
  const log = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) })
  await importFunctions(folder, program.integrations, rewriter, log)
  return lines
}

/** Each change of the function stands in the audit log. */
async function changesOf(name: string): Promise<number> {
  const [row] = await program.sql<{ count: number }[]>`
    SELECT count(*)::int FROM audit_log WHERE resource_id = ${currentOf(name)?.id ?? ''}`
  return row?.count ?? 0
}

const currentOf = (name: string) =>
  program.integrations.rewriteFunctions().find((one) => one.applicationId === null && one.name === name)

test('each file is a function for all applications, a version by what stands in it', async () => {
  expect(await startWith({ 'mine.js': FIRST, 'types.d.ts': 'no function', 'notes.md': 'none' })).toEqual([])
  expect(currentOf('mine')).toMatchObject({ enabled: true, version: functionVersion(FIRST) })
  expect(await changesOf('mine')).toBe(1)
  await startWith({})
  expect(await changesOf('mine')).toBe(1)
  await startWith({ 'mine.js': SECOND })
  expect(await changesOf('mine')).toBe(2)
  expect(currentOf('mine')?.version).toBe(functionVersion(SECOND))
  const kept = await program.sql<{ source: string }[]>`
    SELECT source FROM rewrite_function_versions WHERE version = ${functionVersion(FIRST)}`
  expect(kept).toEqual([{ source: FIRST }])
})

test('one that is no function is named with the place, and keeps neither the others nor the start', async () => {
  const lines = await startWith({ 'broken.js': 'return {\n  jobStatus 1\n}', 'other.js': FIRST })
  expect(lines).toMatchObject([{ file: 'broken.js', line: 2, msg: 'not a rewrite function' }])
  expect(currentOf('broken')).toBeUndefined()
  expect(currentOf('other')).toMatchObject({ enabled: true })
})

test('one that cannot be read is named and keeps neither the others nor the start; those of editors are passed over', async () => {
  await mkdir(path.join(folder, 'folder.js'))
  await symlink('nowhere', path.join(folder, 'dangling.js'))
  // As Emacs marks a file that is being edited.
  await symlink('somebody@a-machine.4711:1', path.join(folder, '.#mine.js'))
  const lines = await startWith({ 'zuletzt.js': FIRST })
  expect(lines).toMatchObject([
    { level: 50, file: 'broken.js' },
    {
      file: 'dangling.js',
      problem: expect.stringContaining('ENOENT'),
      msg: 'a rewrite function cannot be read',
    },
    {
      file: 'folder.js',
      problem: expect.stringContaining('EISDIR'),
      msg: 'a rewrite function cannot be read',
    },
  ])
  expect(currentOf('zuletzt')).toMatchObject({ enabled: true })
})

test('without the folder a start goes on', async () => {
  await importFunctions(path.join(folder, 'none'), program.integrations, rewriter, createLog('silent'))
})
