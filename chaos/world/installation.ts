import type { Sql } from '../../src/platform/postgres.ts'
import type { RedisServer } from '../../test/world/redis-server.ts'
import type { Condition } from '../receiver-condition.ts'
import type { Stream } from '../requests.ts'
import type { Gateway } from './gateway.ts'
import type { SmallDisk } from './small-disk.ts'
import type { Way } from './way.ts'

/** What faults are done to, whatever kind of installation it is. */
export interface Installed {
  edges: Gateway[]
  /** The same processes as the edges where one does both. */
  workers: Gateway[]
  postgres: PostgresHandle
  /** On which the data of PostgreSQL lies, where that was asked for. */
  disk: SmallDisk | undefined
  /** The id of the integration of each stream. */
  integrations: Record<Stream, string>
  /** The destination of everything. */
  beReceiver(condition: Condition): Promise<void>
  /** Stops these processes where they are. Gives what lets them go on. */
  freeze(pids: readonly number[]): () => void
  /** A connection past the way that faults are done to. PostgreSQL may be at another address after each start. */
  sql(): Promise<Sql>
  databaseUrl(): Promise<string>
  close(): Promise<void>
}

/** Edges and workers as processes of their own, on a PostgreSQL and a Redis. */
export interface Several extends Installed {
  kind: 'several'
  redis: RedisServer
  /** On which the homes of the edges lie, where small disks were asked for; one each. */
  homeDisks: SmallDisk[]
  /** Between the gateways and PostgreSQL. */
  way: Way
}

/** One process with the embedded PostgreSQL and the queue in process, as `npm start` gives it. */
export interface Embedded extends Installed {
  kind: 'embedded'
}

export type Installation = Several | Embedded

export interface PostgresHandle {
  /** The server and its sessions; empty while it is down. */
  pids(): Promise<number[]>
  kill9(): Promise<void>
  /** Ends it in order and starts it again. */
  restart(): Promise<void>
  /** Starts it if it is down, or waits until whose business that is has done so. */
  bringBack(): Promise<void>
}

export interface InstallationOptions {
  /** Begins the names of all its folders, because another one's journal must never come into its ledger. */
  prefix: string
  receiverPort: number
  onSmallDisk: boolean
  beReceiver(condition: Condition): Promise<void>
}
