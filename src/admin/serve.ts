import { createRoute, type OpenAPIHono, type RouteConfig, type RouteHandler, type z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { type Access, accessOf, describeScope } from './access.ts'
import { guard, requireOwn } from './guard.ts'
import { problemOut } from './schemas.ts'

type Handler<Route extends RouteConfig> = (context: Parameters<RouteHandler<Route>>[0]) => Promise<Response>

/**
 * Lays a route with its documentation on the API, as far as the table of access lets anybody in. Handlers give plain
 * responses, because Hono's typed ones would write JSON with `JSON.stringify` and round long integers.
 *
 * @throws Error when the table has no row for the route
 */
export function serve<Route extends RouteConfig>(
  api: OpenAPIHono,
  route: Route,
  handler: Handler<Route>,
): void {
  const access = accessOf(route.method, route.path)
  const guarded = createRoute({
    ...route,
    security: [{ apiKey: [access.role] }],
    description: describe(access),
    middleware: [guard(access)],
  })
  const narrowed: Handler<Route> = (context) => {
    if (access.scope.kind === 'list') narrow(context)
    return handler(context)
  }
  api.openapi(guarded, narrowed as unknown as RouteHandler<typeof guarded>)
}

function describe({ role, scope }: Access): string {
  return `Needs the role "${role}". A key for one application gets ${describeScope(scope)}.`
}

/** A key of one application asks for its own things, whatever else it asks for. */
function narrow(context: Context): void {
  const { applicationId } = context.get('caller')
  if (applicationId === null) return
  const query = context.req.valid('query' as never) as { applicationId?: string }
  requireOwn(query.applicationId, applicationId)
  context.req.addValidatedData('query', { ...query, applicationId })
}

/** A response that is documented as JSON of this shape. */
export function json(schema: z.ZodType, description: string) {
  return { description, content: { 'application/json': { schema } } }
}

/** A body that may be left out, read as the empty object then. */
export function optional(schema: z.ZodType) {
  return { required: false, content: { 'application/json': { schema } } }
}

export const problems = {
  default: { description: 'Problem', content: { 'application/problem+json': { schema: problemOut } } },
}
