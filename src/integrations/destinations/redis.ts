import { z } from 'zod'
import { checkedTemplate, everyKind, kindSchema, unknownFields, valueSchema } from './every-kind.ts'
import { optionalLoginSchema, serverFields, serverProblems } from './server.ts'

const fieldName = z.string().min(1).max(200)

/** Entries of a stream in Redis. */
export const redisSchema = kindSchema({
  kind: z.literal('redis'),
  ...serverFields(6379),
  auth: optionalLoginSchema,
  db: z.int().min(0).max(16_383).default(0),
  stream: checkedTemplate.min(1).describe('a template: the key of the stream'),
  fields: z
    .record(fieldName, valueSchema)
    .default({ item: '' })
    .describe('a path in the item, or a template, for each field of an entry'),
  idField: fieldName.default('delivery_id').describe('the field that carries the id of the delivery'),
  lengthMax: z
    .int()
    .min(1)
    .max(100_000_000)
    .default(100_000)
    .describe('entries that the stream keeps, about; the oldest go'),
  rememberSeconds: z
    .int()
    .min(60)
    .max(90 * 86_400)
    .default(7 * 86_400)
    .describe('how long a key remembers a delivery, so that it is not added again'),
  unknownFields,
  ...everyKind,
}).superRefine((config, context) => {
  const add = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
  for (const { path, message } of serverProblems(config)) context.addIssue({ code: 'custom', path, message })
  const names = Object.keys(config.fields)
  if (names.length === 0 || names.length > 200) add('fields', 'must be 1 to 200 fields')
  if (names.includes(config.idField)) add('fields', `"${config.idField}" is the field of the delivery id`)
})

export type RedisConfig = z.infer<typeof redisSchema>
