import { z } from 'zod'
import { batchProblems, batchSchema } from '../batch-config.ts'
import { verdictFields } from '../destination-verdict.ts'
import { httpRequestFields, httpRequestProblems } from '../http-request-config.ts'
import { everyKind } from './every-kind.ts'

/** Headers that every push carries with a meaning of its own (see the README); a destination cannot change them. */
const OURS = new Set(['idempotency-key', 'webhook-id', 'sluice-attempt'])

/** A request to an address. */
export const httpSchema = z
  .strictObject({
    kind: z.literal('http'),
    ...httpRequestFields,
    format: z
      .enum([...httpRequestFields.format.unwrap().options, 'original'])
      .default('json')
      .describe('original: the body of the request as it was received, with its content type'),
    batch: batchSchema.optional(),
    responseBytesMax: verdictFields.responseBytesMax,
    ...everyKind,
  })
  .superRefine((config, context) => {
    for (const { path, message } of [...httpRequestProblems(config, OURS), ...batchProblems(config)])
      context.addIssue({ code: 'custom', path, message })
  })

export type HttpConfig = z.infer<typeof httpSchema>
