import { z } from '@hono/zod-openapi'
import { type EventState, REPLAYABLE_STATES, type ReplaySelection } from '../ledger/ledger.ts'
import { deadLetterFilter } from './delivery-schemas.ts'
import { definitionIn, givenAddress, givenMoment } from './inspection-schemas.ts'
import { moments } from './page.ts'

const STATES = [...REPLAYABLE_STATES] as [EventState, ...EventState[]]

const eventFilter = {
  applicationId: z.uuid().optional(),
  integrationId: z.string().max(100).optional(),
  state: z
    .enum(
      STATES,
      'only events that have ended and were proven are replayed: what is in quarantine is released',
    )
    .default('dead'),
  topic: z.string().max(300).optional(),
  sender: z.string().max(300).optional(),
  sourceId: z.string().max(300).optional(),
  sourceIp: givenAddress.optional(),
  dedupeKey: z.string().max(100).optional(),
  text: z.string().min(2).max(200).optional(),
  from: givenMoment.optional().describe('received at or after'),
  to: givenMoment.optional().describe('received before'),
}

const how = {
  definition: definitionIn,
  perSecond: z.int().min(1).max(200).default(20).describe('so many are taken up in a second'),
  estimate: z.boolean().default(false).describe('only tells how many it would be'),
}
export const replaysIn = z
  .discriminatedUnion('of', [
    z.strictObject({
      of: z.literal('dead-letters'),
      filter: z.strictObject(deadLetterFilter),
      ...how,
    }),
    z.strictObject({ of: z.literal('events'), filter: z.strictObject(eventFilter), ...how }),
  ])
  .openapi('NewReplay')

export const replaysQuery = z.strictObject({
  applicationId: z.uuid().optional(),
  cursor: z.uuid().optional().describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})

export const estimateOut = z.object({
  matched: z.int().describe('what a replay with this filter takes up'),
  tooMany: z.boolean().describe('more than one replay takes up; `matched` is counted no further'),
})
export const replayOut = z
  .object({
    id: z.uuid(),
    applicationId: z.uuid().nullable().describe('null where its filter names none'),
    of: z.enum(['dead-letters', 'events']),
    filter: z.record(z.string(), z.unknown()),
    definition: z.enum(['current', 'then']),
    perSecond: z.int(),
    state: z.enum(['running', 'done', 'cancelled']),
    matched: z.int().describe('what was found when it was made'),
    done: z.int(),
    failed: z.int().describe('what could not be replayed any more when its turn came'),
    madeAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable(),
  })
  .openapi('Replay')
export const replayDetailOut = replayOut
  .extend({
    failures: z
      .array(z.object({ id: z.uuid(), kind: z.enum(['delivery', 'run', 'event']), reason: z.string() }))
      .describe('the first hundred'),
  })
  .openapi('ReplayDetail')

export function selectionOf(given: z.infer<typeof replaysIn>): ReplaySelection {
  if (given.of === 'dead-letters') {
    const { from, to, ...filter } = given.filter
    return { of: given.of, filter: { ...filter, ...moments(from, to) } }
  }
  const { from, to, ...filter } = given.filter
  return { of: given.of, filter: { ...filter, ...moments(from, to) } }
}
