import { z } from 'zod'
import { parsePath } from '../payload/path.ts'
import { httpRequestFields, httpRequestProblems } from './http-request-config.ts'

/** Headers that every call carries; a node cannot change them. */
const OURS: ReadonlySet<string> = new Set(['idempotency-key'])

const MIB = 1_048_576

/** What a node asks another system in the middle of a run. */
export const callRequestSchema = z
  .strictObject({
    ...httpRequestFields,
    method: httpRequestFields.method.removeDefault().default('GET').describe('GET and DELETE send no body'),
    timeoutMs: z.int().min(100).max(60_000).default(10_000).describe('for the call as a whole'),
    responseBytesMax: z
      .int()
      .min(0)
      .max(16 * MIB)
      .default(MIB)
      .describe('a longer answer is a failure'),
  })
  .superRefine((config, context) => {
    for (const { path, message } of httpRequestProblems(config, OURS))
      context.addIssue({ code: 'custom', path, message })
  })

/** Where the answer goes: keys of objects, or the word that makes it the data itself. */
export const callResultSchema = z
  .string()
  .min(1)
  .max(1_000)
  .refine(isPlaceOfKeys, 'is "replace", or a path of keys such as answers.customer')
  .describe('path under which the answer is added to the data, or "replace"')

export type CallRequest = z.infer<typeof callRequestSchema>

function isPlaceOfKeys(text: string): boolean {
  try {
    return parsePath(text).every((step) => typeof step === 'object' && 'key' in step)
  } catch {
    return false
  }
}
