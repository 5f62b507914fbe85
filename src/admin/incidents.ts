import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Alerts } from '../alerts/alerts.ts'
import { channelTestOut, incidentDetailOut, incidentOut, incidentsQuery } from './alert-schemas.ts'
import type { Audit } from './audit.ts'
import { exactJson } from './exact-body.ts'
import { Problem } from './problem.ts'
import { idParam } from './schemas.ts'
import { json, problems, serve } from './serve.ts'

const incidentParam = z.object({ id: z.uuid().openapi({ param: { name: 'id', in: 'path' } }) })

/** What is or was wrong, and the test button of the channels on which that is told. */
export function serveIncidents(api: OpenAPIHono, { alerts, audit }: { alerts: Alerts; audit: Audit }): void {
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/incidents',
      tags: ['incidents'],
      request: { query: incidentsQuery },
      responses: {
        200: json(
          z.object({
            items: z.array(incidentOut),
            next: z.uuid().nullable().describe('`cursor` of the next page'),
          }),
          'Incidents, newest first',
        ),
        ...problems,
      },
    }),
    async (context) => {
      const { cursor, ...filter } = context.req.valid('query')
      const items = await alerts.findIncidents({ ...filter, before: cursor })
      return exactJson({ items, next: items.length < filter.limit ? null : (items.at(-1)?.id ?? null) })
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/incidents/{id}',
      tags: ['incidents'],
      request: { params: incidentParam },
      responses: { 200: json(incidentDetailOut, 'One incident with what was told of it'), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const { applicationId } = context.get('caller')
      const incident = await alerts.findIncident(id, applicationId ?? undefined)
      if (!incident) throw new Problem(404, `there is no incident ${id}`)
      return exactJson(incident)
    },
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: '/alert-channels/{id}/test',
      tags: ['alert-channels'],
      request: { params: idParam },
      responses: { 200: json(channelTestOut, 'Whether the channel took a test message'), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const channel = await alerts.channel(id)
      if (!channel) throw new Problem(404, `there is no alert channel ${JSON.stringify(id)}`)
      const { applicationId } = channel
      await audit.note(context, { action: 'test', resource: 'alert-channels' }, { id, applicationId })
      const told = await alerts.test(channel, context.req.raw.signal)
      return exactJson({ sent: told.ok, problem: told.problem })
    },
  )
}
