import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ResourceOptions } from './resources/resource-options.ts'

const HOST_NAME_LENGTH_MAX = 253

/**
 * `GET /tls/ask?domain=…`: 200 for the host name of an application's webhooks, 404 for every other one. A proxy that
 * fetches certificates on demand asks it first (Caddy's `on_demand_tls`), so that strangers cannot make it fetch any.
 */
export function serveTlsAsk(
  app: OpenAPIHono,
  { integrations, webhookBaseOf }: Pick<ResourceOptions, 'integrations' | 'webhookBaseOf'>,
): void {
  app.get('/tls/ask', (context) => {
    const domain = context.req.query('domain')?.toLowerCase() ?? ''
    const slug =
      domain.length > HOST_NAME_LENGTH_MAX ? undefined : /^webhook-([a-z0-9-]+)\./.exec(domain)?.[1]
    const application = slug === undefined ? undefined : integrations.applicationOfSlug(slug)
    const isOurs =
      application !== undefined && webhookBaseOf(application).toLowerCase() === `https://${domain}`
    return context.body(null, isOurs ? 200 : 404)
  })
}
