import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Integration, Integrations } from '../integrations/integrations.ts'
import { type Handshake, presetOf } from '../sources/sources.ts'
import { type Audit, witnessIn } from './audit.ts'
import { exactJson } from './exact-body.ts'
import { Problem } from './problem.ts'
import { handshakeOut, idParam } from './schemas.ts'
import { json, problems, serve } from './serve.ts'

/** Asks for an address outside once, without following where it points. */
export type Visit = (url: string) => Promise<{ ok: true; status: number } | { ok: false; message: string }>

export interface HandshakeOptions {
  integrations: Integrations
  visit: Visit
  audit: Audit
  now(): Date
}

const MINUTE_MS = 60_000
const awaitIn = z.strictObject({
  minutes: z.int().min(0).max(1_440).default(60).describe('0 ends the wait'),
})
const confirmOut = z.object({
  confirmed: z.boolean(),
  status: z.int().nullable().describe('what was answered; null where nothing was'),
  message: z.string(),
})

/** What an operator does about handshakes: wait for the one that pins, forget it, confirm a webhook by an address. */
export function serveHandshakes(api: OpenAPIHono, options: HandshakeOptions): void {
  const { integrations, now } = options
  const resource = 'integrations/handshake'
  const tags = ['integrations']
  const at = '/integrations/{id}/handshake'

  serve(
    api,
    createRoute({
      method: 'post',
      path: `${at}/await`,
      tags,
      request: {
        params: idParam,
        body: { required: false, content: { 'application/json': { schema: awaitIn } } },
      },
      responses: { 200: json(handshakeOut, 'The handshake that is waited for'), ...problems },
    }),
    async (context) => {
      const integration = found(integrations, context.req.valid('param').id)
      const { title, handshakes } = presetOf(integration.definition.source)
      if (!handshakes.some(({ pins }) => pins))
        throw new Problem(409, `no handshake of ${title} pins its sender`)
      const { minutes } = awaitIn.parse(context.req.valid('json'))
      const until = minutes === 0 ? null : new Date(now().getTime() + minutes * MINUTE_MS)
      const witness = witnessIn(context, { action: 'await', resource })
      await integrations.awaitHandshake(integration.id, until, witness)
      return exactJson((await integrations.findHandshakes([integration.id])).get(integration.id) ?? {})
    },
  )
  serve(
    api,
    createRoute({
      method: 'delete',
      path: at,
      tags,
      request: { params: idParam },
      responses: { 204: { description: 'The sender is pinned no longer' }, ...problems },
    }),
    async (context) => {
      const { id } = found(integrations, context.req.valid('param').id)
      if (!(await integrations.forgetHandshake(id, witnessIn(context, { action: 'forget', resource }))))
        throw new Problem(404, `integration "${id}" has no handshake`)
      return new Response(null, { status: 204 })
    },
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: `${at}/confirm`,
      tags,
      request: { params: idParam },
      responses: { 200: json(confirmOut, 'What came of it'), ...problems },
    }),
    async (context) => {
      const integration = found(integrations, context.req.valid('param').id)
      const asked = await addressToConfirm(integration, options)
      await options.audit.note(context, { action: 'confirm', resource }, integration)
      return exactJson(await confirm(asked, options))
    },
  )
}

function found(integrations: Integrations, id: string): Integration {
  const integration = integrations.integration(id)
  if (!integration) throw new Problem(404, `there is no integration ${JSON.stringify(id)}`)
  return integration
}

interface Confirmation {
  url: string
  host: string
}

/** The address came from whoever the allowlist let in, so it is only asked for at the host of the source. */
async function addressToConfirm(
  { id, definition }: Integration,
  { integrations }: HandshakeOptions,
): Promise<Confirmation> {
  const { title, handshakes } = presetOf(definition.source)
  const place = handshakes.find(({ confirmedAt }) => confirmedAt)?.confirmedAt
  if (!place) throw new Problem(409, `${title} gives no address to confirm a webhook with`)
  const given = (await integrations.findHandshakes([id])).get(id)?.note?.[place.field]
  if (given === undefined) throw new Problem(409, `${title} has sent no ${place.field} yet`)
  const url = URL.parse(given)
  if (!url || !liesAt(url, place))
    throw new Problem(409, `the ${place.field} is no https address at ${place.host}`)
  return { url: url.href, host: place.host }
}

async function confirm({ url, host }: Confirmation, { visit }: HandshakeOptions): Promise<object> {
  const answer = await visit(url)
  if (!answer.ok) return { confirmed: false, status: null, message: answer.message }
  const { status } = answer
  return { confirmed: status >= 200 && status < 300, status, message: `${host} answered ${status}` }
}

function liesAt(url: URL, { host }: NonNullable<Handshake['confirmedAt']>): boolean {
  return url.origin === `https://${host}` && url.username === '' && url.password === ''
}
