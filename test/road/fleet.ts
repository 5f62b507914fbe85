import postgres from 'postgres'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { type Api, apiAt, testSettings } from '../world/gateway.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'
import { type SluiceProcess, startProcess } from './processes.ts'

export interface EdgeProcess extends SluiceProcess {
  api: Api
}

/** Two edges and, where it is asked for, a worker: processes of their own on one database and one Redis. */
export interface Fleet {
  edges: [EdgeProcess, EdgeProcess]
  /** What the worker may send to. */
  receiver: Receiver
  sql: postgres.Sql
  /** One more. */
  startEdge(): Promise<EdgeProcess>
  /** Resolves once each of the two edges has the integration as it is in this version. */
  haveVersion(integrationId: string, version: number): Promise<void>
  close(): Promise<void>
}

export async function startFleet(options: { worker: boolean; env?: Record<string, string> }): Promise<Fleet> {
  const receiver = await startReceiver()
  const database = await freshDatabase()
  const sql = postgres(database.url, { max: 1, onnotice: () => {} })
  const env = testSettings(database.url, {
    queue: 'bullmq',
    env: { OUTBOUND_ALLOWED: `127.0.0.1:${receiver.port}`, ...options.env },
  })
  const started: Promise<SluiceProcess>[] = []
  function start(role: 'edge' | 'worker'): Promise<SluiceProcess> {
    const starting = startProcess(role, env)
    started.push(starting)
    return starting
  }
  async function startEdge(): Promise<EdgeProcess> {
    const edge = await start('edge')
    return { ...edge, api: apiAt(edge.url) }
  }
  async function close(): Promise<void> {
    const settled = await Promise.allSettled(started)
    await Promise.all(settled.map((one) => one.status === 'fulfilled' && one.value.kill9()))
    await sql.end({ timeout: 1 })
    await receiver.close()
    await database.drop()
  }
  try {
    const [one, two] = await Promise.all([startEdge(), startEdge(), options.worker && start('worker')])
    return {
      edges: [one, two],
      receiver,
      sql,
      startEdge,
      async haveVersion(integrationId, version) {
        // An edge shows what it judges by.
        for (const { api } of [one, two]) {
          await eventually(async () => {
            const { body } = await api.call('GET', `/integrations/${integrationId}`)
            if (body.version !== version)
              throw new Error(`an edge has version ${body.version}, not ${version}`)
          })
        }
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
