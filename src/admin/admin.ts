/**
 * Management and inspection: the HTTP API under `/api/v1` with its OpenAPI document, health and metrics.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { ZodError } from 'zod'
import type { Integrations } from '../integrations/integrations.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Rewriter } from '../rewrite/rewrite.ts'
import { serveResource } from './crud.ts'
import { serveDocument } from './document.ts'
import { exactBody, limitBody } from './exact-body.ts'
import { type Health, type PartHealth, serveHealth } from './health.ts'
import { serveInspection } from './inspection.ts'
import { createKeys, type Keys } from './keys.ts'
import { answerProblem, faultsOf, Problem, problemResponse } from './problem.ts'
import { applicationResource } from './resources/applications.ts'
import { destinationResource } from './resources/destinations.ts'
import { integrationResource } from './resources/integrations.ts'
import type { ResourceOptions } from './resources/resource-options.ts'
import { functionResource } from './resources/rewrite-functions.ts'
import { serveTlsAsk } from './tls-ask.ts'

export { createKeys, type Health, type Keys, type PartHealth }

export interface AdminOptions extends ResourceOptions {
  integrations: Integrations
  ledger: Ledger
  rewriter: Pick<Rewriter, 'check'>
  keys: Keys
  health: Health
  handOver(runIds: string[]): void
  /** Leaves the API out. */
  healthOnly: boolean
  metrics: Metrics
  log: Log
}

export function createAdmin(options: AdminOptions): OpenAPIHono {
  const app = new OpenAPIHono()
  serveHealth(app, options.health, options.metrics)
  if (!options.healthOnly) {
    serveTlsAsk(app, options)
    app.route('/api/v1', createApi(options))
  }
  app.notFound((context) => problemResponse(404, `there is nothing at ${context.req.path}`, []))
  app.onError((error, context) => answerProblem(error, context, options.log))
  return app
}

function createApi(options: AdminOptions): OpenAPIHono {
  const api = new OpenAPIHono({
    defaultHook: (result) => {
      if (!result.success) throw new Problem(400, 'some fields are wrong', faultsOf(result.error as ZodError))
    },
  })
  serveDocument(api)
  // The key comes first: a stranger's body is not read.
  api.use('*', requireKey(options.keys), limitBody, exactBody)
  serveResource(api, applicationResource(options))
  serveResource(api, integrationResource(options))
  serveResource(api, destinationResource(options))
  serveResource(api, functionResource(options))
  serveInspection(api, options)
  api.onError((error, context) => {
    const problem =
      error instanceof ZodError ? new Problem(400, 'some fields are wrong', faultsOf(error)) : error
    return answerProblem(problem, context, options.log)
  })
  return api
}

function requireKey(keys: Keys): MiddlewareHandler {
  return async (context, next) => {
    const key = /^Bearer (.+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
    if (key === undefined || !(await keys.isValid(key))) {
      throw new Problem(401, 'send an API key as "Authorization: Bearer <key>"')
    }
    await next()
  }
}
