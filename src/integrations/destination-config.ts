import { z } from 'zod'
import { fileSchema } from './destinations/file.ts'
import { httpSchema } from './destinations/http.ts'
import { mysqlSchema } from './destinations/mysql.ts'
import { postgresSchema } from './destinations/postgres.ts'
import { rabbitmqSchema } from './destinations/rabbitmq.ts'
import { redisSchema } from './destinations/redis.ts'
import { smtpSchema } from './destinations/smtp.ts'

/** Where and how deliveries are sent. Each kind is a file of its own. */
export const destinationConfigSchema = z.discriminatedUnion('kind', [
  httpSchema,
  postgresSchema,
  mysqlSchema,
  redisSchema,
  rabbitmqSchema,
  smtpSchema,
  fileSchema,
])

export type DestinationConfig = z.infer<typeof destinationConfigSchema>

/** The config of one kind. */
export type ConfigOf<Kind extends DestinationConfig['kind']> = Extract<DestinationConfig, { kind: Kind }>

export interface ConfigProblem {
  /** `headers.x-shop`, `auth.token` */
  path: string
  message: string
}

/** Reads a destination config as it comes from the API; all problems at once, none of them showing a secret. */
export function checkDestination(
  input: unknown,
): { ok: true; config: DestinationConfig } | { ok: false; problems: ConfigProblem[] } {
  const read = destinationConfigSchema.safeParse(input)
  if (read.success) return { ok: true, config: read.data }
  const problems = read.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  return { ok: false, problems }
}
