import { z } from 'zod'
import { everyKind, kindSchema } from './every-kind.ts'
import { addressProblems, loginSchema, serverFields, serverProblems } from './server.ts'
import { tableFields, tableName, tableProblems } from './table.ts'

/** Rows of a table in MySQL or MariaDB. */
export const mysqlSchema = kindSchema({
  kind: z.literal('mysql'),
  ...serverFields(3306),
  database: tableName,
  auth: loginSchema,
  ...tableFields,
  ...everyKind,
}).superRefine((config, context) => {
  for (const { path, message } of [
    ...serverProblems(config),
    ...addressProblems(config),
    ...tableProblems(config),
  ])
    context.addIssue({ code: 'custom', path, message })
})

export type MysqlConfig = z.infer<typeof mysqlSchema>
