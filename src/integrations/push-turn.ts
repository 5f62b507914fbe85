import { z } from 'zod'
import { compileTemplate } from '../payload/template.ts'

const keyTemplate = z
  .string()
  .min(1)
  .max(1_000)
  .superRefine((text, context) => {
    const compiled = compileTemplate(text)
    if (!compiled.ok) context.addIssue({ code: 'custom', message: compiled.message })
  })

/** When the deliveries of a push node may go. */
export const turnFields = {
  priority: z.int().min(0).max(9).optional().describe('0 goes first, 9 last; 5 unless given'),
  delaySeconds: z
    .number()
    .min(0)
    .max(30 * 86_400)
    .optional()
    .describe('how long a delivery waits before it may go'),
  orderKey: keyTemplate
    .optional()
    .describe(
      'a template such as {{ order.id }}: what goes to the destination under one key goes in the order of the ' +
        'events, each when the one before it has ended; an empty key asks for no order',
    ),
  onDead: z
    .enum(['continue', 'hold'])
    .optional()
    .describe('what those behind a dead delivery do: go on, or wait until it is replayed or discarded'),
  uniqueKey: keyTemplate
    .optional()
    .describe(
      'a template: of the deliveries to the destination under one key that have not been sent, the newest replaces the others',
    ),
}
