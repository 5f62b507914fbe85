import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Metrics } from '../platform/metrics.ts'

/** What a part of the program says of itself: `degraded` still works, `down` does not. */
export interface PartHealth {
  status: 'up' | 'degraded' | 'down'
  detail?: string
}

export interface Health {
  /** Asked at each call; must answer quickly and not throw. */
  parts(): Promise<Record<string, PartHealth>>
  /** Rejects when the database does not answer soon. */
  askDatabase(): Promise<void>
  /** Brings gauges up to date before they are read. */
  measure(): Promise<void>
}

/** `/health/live`: the process answers. `/health/ready`: it may be sent work, and which part is not well. */
export function serveHealth(app: OpenAPIHono, health: Health, metrics: Metrics): void {
  app.get('/health/live', (context) => context.json({ status: 'up' }))
  app.get('/health/ready', async (context) => {
    const parts = await health.parts()
    const statuses = Object.values(parts).map((part) => part.status)
    const status = statuses.includes('down') ? 'down' : statuses.includes('degraded') ? 'degraded' : 'up'
    return context.json({ status, parts }, status === 'down' ? 503 : 200)
  })
  app.get('/metrics', async (context) => {
    await health.measure()
    return context.body(await metrics.registry.metrics(), 200, {
      'content-type': metrics.registry.contentType,
    })
  })
}
