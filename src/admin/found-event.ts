import { z } from '@hono/zod-openapi'
import type { EventDetail, Ledger } from '../ledger/ledger.ts'
import { Problem } from './problem.ts'

export const eventParam = z.object({ id: z.uuid().openapi({ param: { name: 'id', in: 'path' } }) })

/** @throws Problem when there is none. */
export async function foundEvent(ledger: Ledger, id: string): Promise<EventDetail> {
  const event = await ledger.findEvent(id)
  if (!event) throw new Problem(404, `there is no event ${id}`)
  return event
}
