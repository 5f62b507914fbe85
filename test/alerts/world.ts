import { type Alerts, createAlerts, type Incident } from '../../src/alerts/alerts.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { createLog, type Log } from '../../src/platform/log.ts'
import { connectPostgres, type Sql } from '../../src/platform/postgres.ts'
import { createSealer } from '../../src/platform/sealing.ts'
import { openRoad, type Road } from '../road/world.ts'
import { MASTER_KEY, type WorldOptions } from '../world/gateway.ts'

/** `whsec_` and 24 bytes. */
export const CHANNEL_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

export interface Looker {
  alerts: Alerts
  sql: Sql
  /** Looks at everything, so much later than now. */
  look(laterMs?: number): Promise<void>
  /** What is wrong, of one condition where one is named. */
  open(condition?: string): Promise<Incident[]>
  recovered(condition?: string): Promise<Incident[]>
  /** Sends what is due. */
  send(): Promise<void>
  close(): Promise<void>
}

export interface LookerOptions {
  calmMs?: number
  retryMs?: number
  ledger?: Partial<Parameters<typeof createAlerts>[0]['ledger']>
  log?: Log
}

/** Alerts beside a gateway, as another process has them, with a clock of their own. */
export function openLooker(road: Road, options: LookerOptions = {}): Looker {
  const { gateway, env } = road.world
  const sql = connectPostgres(env.DATABASE_URL ?? '', { connectionsMax: 4, applicationName: 'looker' })
  const log = options.log ?? createLog(process.env.TEST_LOG_LEVEL ?? 'silent')
  const allowed = (env.OUTBOUND_ALLOWED ?? '').split(',').map((entry) => {
    const [host = '', port] = entry.split(':')
    return { host, port: Number(port) }
  })
  const outbound = createOutbound({ allowed, log })
  let laterMs = 0
  const alerts = createAlerts({
    sql,
    sealer: createSealer(Buffer.from(MASTER_KEY, 'base64')),
    ledger: { ...gateway.ledger, ...options.ledger },
    integrations: gateway.integrations,
    outbound,
    calmMs: options.calmMs ?? 0,
    retryMs: options.retryMs ?? 10,
    now: () => new Date(Date.now() + laterMs),
    log,
  })
  const find = (state: 'open' | 'recovered', condition: string | undefined) =>
    alerts.findIncidents({ state, condition, limit: 100 })
  return {
    alerts,
    sql,
    async look(later = 0) {
      laterMs = later
      await alerts.assess()
    },
    open: (condition) => find('open', condition),
    recovered: (condition) => find('recovered', condition),
    send: () => alerts.sendMessages(new AbortController().signal),
    async close() {
      await outbound.close()
      await sql.end({ timeout: 1 })
    },
  }
}

/** A gateway that does not look by itself, unless a test says so. */
export function openQuietRoad(options: WorldOptions = {}): Promise<Road> {
  return openRoad({ ...options, env: { ALERT_SECONDS: '86400', ...options.env } })
}

export function created(
  { api }: Pick<Road, 'api'>,
  path: string,
  body: object,
): Promise<{ id: string } & Record<string, unknown>> {
  return api.call('POST', path, body).then((answer) => {
    if (answer.status !== 201)
      throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  })
}

/** A webhook channel at an address of the road's receiver. */
export async function webhookChannel(road: Road, path: string, more: object = {}): Promise<string> {
  const config = { kind: 'webhook', url: `${road.receiver.url}${path}`, secret: CHANNEL_SECRET }
  return (await created(road, '/alert-channels', { name: path, config, ...more })).id
}
