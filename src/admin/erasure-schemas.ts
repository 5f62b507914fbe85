import { z } from '@hono/zod-openapi'
import { givenMoment } from './inspection-schemas.ts'
import { text } from './schemas.ts'

const id = z.uuid()
const moment = z.iso.datetime()

export const erasureIn = z
  .strictObject({
    search: text
      .min(3)
      .max(300)
      .describe('what the person is known by: an e-mail address, a customer number, a name; in any case'),
    partsOfWords: z
      .boolean()
      .default(false)
      .describe('also where it is only a part of a longer word, number or e-mail address'),
    applicationId: id.optional(),
    integrationId: z.string().max(100).optional(),
    from: givenMoment.optional().describe('received at or after'),
    to: givenMoment.optional().describe('received before'),
    reason: text.max(1_000).describe('why; it is kept'),
  })
  .openapi('NewErasure')

export const confirmIn = z.strictObject({
  unfinished: z
    .enum(['keep', 'discard'])
    .default('keep')
    .describe(
      'what becomes of events that are not finished, dead or in quarantine. keep: they stay as they are; discard: they are given up, and erased',
    ),
})

export const erasuresQuery = z.strictObject({
  applicationId: id.optional(),
  cursor: id.optional().describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})

export const erasureOut = z
  .object({
    id,
    state: z
      .enum(['searching', 'found', 'erasing', 'done', 'cancelled'])
      .describe('nothing is erased before what was found is confirmed'),
    partsOfWords: z.boolean(),
    applicationId: id.nullable(),
    integrationId: z.string().nullable(),
    receivedFrom: moment.nullable(),
    receivedBefore: moment.nullable(),
    reason: z.string(),
    requestedBy: z.string().describe('name of the API key'),
    looked: z.int().describe('events and requests that were looked at so far'),
    matched: z.int().describe('events and requests that were found; fixed when the search is over'),
    erased: z.int(),
    kept: z.int().describe('what was not erased, because it is not finished'),
    unfinished: z.enum(['keep', 'discard']).nullable(),
    madeAt: moment,
    foundAt: moment.nullable(),
    confirmedAt: moment.nullable(),
    endedAt: moment.nullable(),
  })
  .openapi('Erasure')
export const erasureDetailOut = erasureOut
  .extend({
    states: z.record(z.string(), z.int()).describe('how many of the found events are in each state'),
    sample: z
      .array(
        z.object({
          id,
          kind: z.enum(['event', 'request']),
          state: z.string().nullable(),
          refusal: z.string().nullable().describe('why it was not erased'),
        }),
      )
      .describe('some of what was found and is not erased'),
  })
  .openapi('ErasureDetail')
