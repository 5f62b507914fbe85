import { z } from 'zod'
import { NO_CONTROL } from '../destination-secret.ts'
import { everyKind, kindSchema } from './every-kind.ts'
import { loginSchema, serverFields, serverProblems } from './server.ts'
import { tableFields, tableName, tableProblems } from './table.ts'

/** Rows of a table in PostgreSQL. */
export const postgresSchema = kindSchema({
  kind: z.literal('postgres'),
  ...serverFields(5432),
  database: z.string().min(1).max(63).regex(NO_CONTROL, 'contains a control character'),
  auth: loginSchema,
  schema: tableName.optional().describe('of the table; that of the search path unless given'),
  ...tableFields,
  ...everyKind,
}).superRefine((config, context) => {
  for (const { path, message } of [...serverProblems(config), ...tableProblems(config)])
    context.addIssue({ code: 'custom', path, message })
})

export type PostgresConfig = z.infer<typeof postgresSchema>
