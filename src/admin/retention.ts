import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { KeptDay, Ledger } from '../ledger/ledger.ts'
import { exactJson } from './exact-body.ts'
import { json, problems, serve } from './serve.ts'

export interface RetentionOptions {
  ledger: Pick<Ledger, 'measureDays'>
  /** 0 keeps everything. */
  retentionDays: number
  now(): Date
}

const DAY_MS = 86_400_000

const retentionOut = z
  .object({
    retentionDays: z.int().describe('RETENTION_DAYS; 0 keeps everything'),
    days: z.array(
      z.object({
        day: z.iso.date().nullable().describe('UTC; null for what lies in no day of its own'),
        bytes: z.int().describe('of all tables, with their indexes'),
        events: z.int().describe('roughly, as the database last counted them'),
        droppedFrom: z.iso.datetime().nullable().describe('when it is past what is kept'),
        unfinished: z
          .int()
          .nullable()
          .describe('of a day that is: events that stay, because something is still to be done about them'),
      }),
    ),
  })
  .openapi('Retention')

/** What is kept for how long, and what is to go next. */
export function serveRetention(api: OpenAPIHono, { ledger, retentionDays, now }: RetentionOptions): void {
  function shown({ day, bytes, events, unfinished }: KeptDay): object {
    const start = day === null || retentionDays === 0 ? null : Date.parse(day)
    const droppedFrom = start === null ? null : new Date(start + (retentionDays + 1) * DAY_MS)
    return { day, bytes, events, droppedFrom, unfinished }
  }

  serve(
    api,
    createRoute({
      method: 'get',
      path: '/retention',
      tags: ['retention'],
      responses: { 200: json(retentionOut, 'The days that are kept, oldest first'), ...problems },
    }),
    async () => {
      // Without a limit nothing is past it.
      const expiredBy = new Date(retentionDays === 0 ? 0 : now().getTime() - retentionDays * DAY_MS)
      const days = await ledger.measureDays(expiredBy)
      return exactJson({ retentionDays, days: days.map(shown) })
    },
  )
}
