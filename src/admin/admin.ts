/**
 * Management and inspection: the HTTP API under `/api/v1` with its OpenAPI document, health and metrics.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import { ZodError } from 'zod'
import type { Alerts } from '../alerts/alerts.ts'
import type { FetchText, Integrations } from '../integrations/integrations.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { ROLES, type Role } from './access.ts'
import { whileDatabaseAnswers } from './answering.ts'
import { serveApiKeys } from './api-keys.ts'
import { type Audit, type Author, createAudit, dropOldEntries, witnessOf } from './audit.ts'
import { serveAuditLog } from './audit-log.ts'
import { type AuthenticateOptions, authenticate } from './authenticate.ts'
import { serveResource } from './crud.ts'
import { serveDeadLetters } from './dead-letters.ts'
import { serveDeliveries } from './deliveries.ts'
import { serveDestinationStanding } from './destination-standing.ts'
import { serveDocument } from './document.ts'
import { type ErasuresOptions, serveErasures } from './erasures.ts'
import { exactBody, limitBody } from './exact-body.ts'
import { serveHandshakes, type Visit } from './handshakes.ts'
import { type Health, type PartHealth, serveHealth } from './health.ts'
import { serveIncidents } from './incidents.ts'
import { serveInspection } from './inspection.ts'
import { type ApiKey, createKeys, type Keys } from './keys.ts'
import { serveMergeFields } from './merge-fields.ts'
import { createFindOwner } from './owners.ts'
import { answerProblem, faultsOf, Problem, problemResponse } from './problem.ts'
import { serveQuarantine } from './quarantine.ts'
import { serveReplays } from './replays.ts'
import { alertChannelResource } from './resources/alert-channels.ts'
import { alertRuleResource } from './resources/alert-rules.ts'
import { applicationResource } from './resources/applications.ts'
import { destinationResource } from './resources/destinations.ts'
import { integrationResource } from './resources/integrations.ts'
import type { ResourceOptions } from './resources/resource-options.ts'
import { functionResource } from './resources/rewrite-functions.ts'
import { type RetentionOptions, serveRetention } from './retention.ts'
import { name as keyName } from './schemas.ts'
import { secureAnswers } from './secure-answers.ts'
import { serveSources } from './sources.ts'
import { serveTestEvents, type TestEventsOptions } from './test-events.ts'
import { serveTlsAsk } from './tls-ask.ts'

export {
  type ApiKey,
  type Author,
  createAudit,
  createKeys,
  dropOldEntries,
  type Health,
  type Keys,
  keyName,
  type PartHealth,
  ROLES,
  type Role,
  type Visit,
  witnessOf,
}

export interface AdminOptions
  extends ResourceOptions,
    Pick<TestEventsOptions, 'tryDestination'>,
    Pick<ErasuresOptions, 'sealer'>,
    Pick<RetentionOptions, 'retentionDays'>,
    Pick<AuthenticateOptions, 'sourceOf' | 'failedKeysPerMinute'> {
  alerts: Alerts
  integrations: Integrations
  ledger: Ledger
  keys: Keys
  audit: Audit
  health: Health
  handOver(runIds: string[]): void
  visit: Visit
  fetchText: FetchText
  /** Leaves the API out. */
  healthOnly: boolean
  /** Whether people come over HTTPS. */
  isHttps: boolean
  metrics: Metrics
  log: Log
}

export function createAdmin(options: AdminOptions): OpenAPIHono {
  const app = new OpenAPIHono()
  app.use('*', secureAnswers(options.isHttps))
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
  const findOwner = createFindOwner(options)
  api.use(
    '*',
    whileDatabaseAnswers(() => options.health.askDatabase()),
  )
  api.use('*', authenticate(options), limitBody, exactBody, async (context, next) => {
    context.set('findOwner', findOwner)
    await next()
  })
  serveResource(api, applicationResource(options))
  serveResource(api, integrationResource(options))
  serveResource(api, destinationResource(options))
  serveResource(api, functionResource(options))
  serveResource(api, alertChannelResource(options))
  serveResource(api, alertRuleResource(options))
  serveHandshakes(api, options)
  serveSources(api, options)
  serveInspection(api, options)
  serveQuarantine(api, options)
  serveMergeFields(api, options)
  serveDeliveries(api, options)
  serveDeadLetters(api, options)
  serveReplays(api, options)
  serveDestinationStanding(api, options)
  serveIncidents(api, options)
  serveTestEvents(api, options)
  serveErasures(api, options)
  serveRetention(api, options)
  serveApiKeys(api, options)
  serveAuditLog(api, options)
  api.onError((error, context) => {
    const problem =
      error instanceof ZodError ? new Problem(400, 'some fields are wrong', faultsOf(error)) : error
    return answerProblem(problem, context, options.log)
  })
  return api
}
