import { z } from '@hono/zod-openapi'

export function pageOf(item: z.ZodType) {
  return z.object({ items: z.array(item), next: z.uuid().nullable().describe('`cursor` of the next page') })
}

/** Fewer than were asked for are the last. */
export function pageFrom<T extends { id: string }>(items: T[], limit: number): object {
  return { items, next: items.length < limit ? null : (items.at(-1)?.id ?? null) }
}

export function moments(from: string | undefined, to: string | undefined) {
  return {
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
  }
}
