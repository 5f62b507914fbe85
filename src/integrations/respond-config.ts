import { z } from 'zod'
import { compileBodyTemplate, languageOf } from '../payload/body-template.ts'
import { VISIBLE } from './destination-secret.ts'

/** An answer that is made from what the nodes gave, for a sender that waits for it. */
export const respondSchema = z
  .strictObject({
    deadlineMs: z
      .int()
      .min(50)
      .max(15_000)
      .default(2_000)
      .describe('how long the sender is kept waiting for it; past it the usual answer goes out'),
    status: z.int().min(200).max(299).default(200).describe('204 and 205 are sent without the body'),
    contentType: z.string().max(200).regex(VISIBLE, 'is not a content type').default('application/json'),
    body: z.string().min(1).max(65_536).describe('a template over the data'),
    language: z
      .enum(['json', 'xml', 'form', 'text'])
      .optional()
      .describe('how fields are written into it; that of the content type unless given'),
    unknownFields: z
      .enum(['error', 'empty'])
      .default('error')
      .describe('error: without the field the usual answer goes out'),
    node: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/)
      .optional()
      .describe('whose data it is; of the last node that was reached unless given'),
  })
  .superRefine(({ body, contentType, language }, context) => {
    const compiled = compileBodyTemplate(body, language ?? languageOf(contentType))
    if (!compiled.ok) context.addIssue({ code: 'custom', path: ['body'], message: compiled.message })
  })

export type Respond = z.infer<typeof respondSchema>
