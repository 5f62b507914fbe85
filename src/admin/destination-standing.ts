import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Destination, Integrations } from '../integrations/integrations.ts'
import type { DestinationState, Ledger } from '../ledger/ledger.ts'
import { witnessIn } from './audit.ts'
import { exactJson } from './exact-body.ts'
import { Problem } from './problem.ts'
import { idParam, standingOut, text } from './schemas.ts'
import { json, optional, problems, serve } from './serve.ts'

export interface StandingOptions {
  ledger: Ledger
  integrations: Integrations
}

const pauseIn = z.strictObject({ reason: text.max(1_000).default('paused by an operator') })

/** Holds back what goes to a destination, and lets it go on. */
export function serveDestinationStanding(api: OpenAPIHono, { ledger, integrations }: StandingOptions): void {
  const tags = ['destinations']
  function found(id: string): Destination {
    const destination = integrations.destination(id)
    if (!destination) throw new Problem(404, `there is no destination ${JSON.stringify(id)}`)
    return destination
  }

  serve(
    api,
    createRoute({
      method: 'post',
      path: '/destinations/{id}/pause',
      tags,
      request: { params: idParam, body: optional(pauseIn) },
      responses: {
        200: json(standingOut, 'Nothing more goes there; what is being sent at this moment ends as it does'),
        ...problems,
      },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const { applicationId } = found(id)
      const { reason } = pauseIn.parse(context.req.valid('json'))
      const witness = witnessIn(context, { action: 'pause', resource: 'destinations', applicationId })
      await ledger.pauseDestination(id, reason, witness)
      return exactJson(await standingOf(id, ledger))
    },
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: '/destinations/{id}/resume',
      tags,
      request: { params: idParam },
      responses: { 200: json(standingOut, 'What waits goes on'), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const { applicationId } = found(id)
      const witness = witnessIn(context, { action: 'resume', resource: 'destinations', applicationId })
      if (!(await ledger.resumeDestination(id, witness)))
        throw new Problem(409, 'this destination is not paused')
      return exactJson(await standingOf(id, ledger))
    },
  )
}

export type Standing = Omit<DestinationState, 'destinationId'>

const AS_IT_SHOULD: Standing = {
  pausedAt: null,
  pauseReason: null,
  circuit: 'closed',
  openedAt: null,
  openReason: null,
  probeAt: null,
}

/** By destination; those that are missing stand as they should. */
export async function findStandings(ledger: Pick<Ledger, 'findDestinationStates'>) {
  const states = await ledger.findDestinationStates()
  const known = new Map(states.map(({ destinationId, ...standing }) => [destinationId, standing]))
  return (destinationId: string): Standing => known.get(destinationId) ?? AS_IT_SHOULD
}

async function standingOf(id: string, ledger: Ledger): Promise<Standing> {
  return (await findStandings(ledger))(id)
}
