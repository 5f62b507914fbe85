import { z } from 'zod'
import type { PlacedProblem } from '../destination-auth.ts'
import { unknownFields, valueSchema } from './every-kind.ts'

/** A name in a database, written between quotes; MySQL takes 64 characters, PostgreSQL 63 bytes. */
export const tableName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[^\u0000-\u001f\u007f]+$/, 'contains a control character')
  .refine((text) => Buffer.byteLength(text) <= 63, 'is longer than 63 bytes')

/** What kinds that write into tables have in common. */
export const tableFields = {
  table: tableName,
  columns: z
    .record(tableName, valueSchema)
    .describe(
      'a path in the item, or a template, for each column; an item that is a list is a row for each element',
    ),
  key: z
    .array(tableName)
    .min(1)
    .max(16)
    .optional()
    .describe('columns of a unique index: a row that is there already is updated instead of refused'),
  unknownFields: unknownFields.describe('what a field does that an item does not have; empty gives NULL'),
}

export function tableProblems({
  columns,
  key = [],
}: {
  columns: object
  key?: string[] | undefined
}): PlacedProblem[] {
  const names = Object.keys(columns)
  const problems: PlacedProblem[] = []
  if (names.length === 0 || names.length > 200)
    problems.push({ path: ['columns'], message: 'must be 1 to 200 columns' })
  for (const name of key)
    if (!names.includes(name))
      problems.push({ path: ['key'], message: `${JSON.stringify(name)} is none of the columns` })
  if (new Set(key).size !== key.length) problems.push({ path: ['key'], message: 'names a column twice' })
  return problems
}
