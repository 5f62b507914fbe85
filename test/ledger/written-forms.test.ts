/** What PostgreSQL narrows a search down to holds whatever is sought, in all the ways in which it may be written. */
import fc from 'fast-check'
import iconv from 'iconv-lite'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bytesPatternsOf, patternOf } from '../../src/payload/written-patterns.ts'
import { anyWritten } from '../payload/any-writing.ts'
import { freshDatabase } from '../world/database.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let sql: postgres.Sql

beforeAll(async () => {
  database = await freshDatabase()
  sql = postgres(database.url, { max: 1 })
})
afterAll(async () => {
  await sql.end()
  await database.drop()
})

const SAMPLES = 100

test.each(['json', 'anything'] as const)('of text: %s', async (languages) => {
  const samples = fc
    .sample(anyWritten(languages), SAMPLES)
    .map(({ text, form }) => ({ text, form: `x${form}x`, pattern: patternOf(text, languages) }))
  const missed = await sql`
    SELECT * FROM json_to_recordset(${JSON.stringify(samples)}::text::json) AS given(text text, form text, pattern text)
    WHERE NOT form COLLATE "C" ~* pattern`
  expect([...missed]).toEqual([])
})

test.each(['utf-8', 'utf-16le', 'utf-16be', 'iso-8859-1', 'iso-8859-15', 'windows-1252'])(
  'of bytes in %s',
  async (charset) => {
    const samples = fc
      .sample(anyWritten('anything'), SAMPLES)
      .map(({ text, form }) => ({ text, form: `x${form}x`, bytes: iconv.encode(`x${form}x`, charset) }))
      .filter(({ form, bytes }) => iconv.decode(bytes, charset, { stripBOM: false }) === form)
      .map(({ text, bytes }) => {
        const { narrow, wide } = bytesPatternsOf(text)
        return { text, hex: bytes.toString('hex'), pattern: bytes.includes(0) ? wide : narrow }
      })
    const missed = await sql`
      SELECT * FROM json_to_recordset(${JSON.stringify(samples)}::text::json) AS given(text text, hex text, pattern text)
      WHERE NOT encode(decode(hex, 'hex'), 'escape') COLLATE "C" ~* pattern`
    expect(samples.length).toBeGreaterThan(SAMPLES / 10)
    expect([...missed]).toEqual([])
  },
)
