import type { OpenAPIHono, RouteConfig, RouteHandler, z } from '@hono/zod-openapi'
import { problemOut } from './schemas.ts'

/**
 * Lays a route with its documentation on the API. Handlers give plain responses, because Hono's typed ones would
 * write JSON with `JSON.stringify` and round long integers.
 */
export function serve<Route extends RouteConfig>(
  api: OpenAPIHono,
  route: Route,
  handler: (context: Parameters<RouteHandler<Route>>[0]) => Promise<Response>,
): void {
  api.openapi(route, handler as unknown as RouteHandler<Route>)
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

export const security: Record<string, string[]>[] = [{ apiKey: [] }]
