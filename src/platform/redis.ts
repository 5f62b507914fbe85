import { Cluster, type ClusterOptions, Redis, type RedisOptions, ReplyError } from 'ioredis'
import type { Log } from './log.ts'
import { describeRedisAddress, type RedisAddress } from './redis-address.ts'

export type RedisClient = Redis | Cluster

export interface RedisConnection {
  /** The address as an operator may see it. */
  readonly name: string
  /** How long a command of the prompt client may take. */
  readonly answerMs: number
  /**
   * For callers that cannot wait: a command is answered within `answerMs` or fails, and fails at once while Redis
   * is away. Nothing is buffered.
   */
  prompt(): RedisClient
  /** For callers that live as long as the process: a command waits until Redis is back. */
  patient(): RedisClient
  /** Resolves once the prompt client had its chance to connect: when it is ready, at the latest after `answerMs`. */
  settled(): Promise<void>
  /** By which it is known wherever it is met; see {@link redisIdentitiesOf}. */
  identities(): Promise<string[]>
  /** Cuts every connection, duplicates included. */
  close(): Promise<void>
}

export interface RedisConnectionOptions {
  log: Log
  answerMs?: number
}

/** The longest command that BullMQ blocks on takes 10 s; silence beyond this means that the network lost us. */
const SILENCE_MS = 15_000
const RECONNECT_MS_MAX = 3_000
/** How often a Redis that takes no writes is left to look for another one at its address. */
const LEAVE_REPLICA_MS = 1_000

/**
 * Connects when a client is first asked for, and again after every loss with growing pauses up to 3 s. Writes one
 * line when Redis goes away and one when it is back, however often it is tried in between. A replica, which a master
 * becomes when another one takes its place, counts as away.
 */
export function connectRedis(address: RedisAddress, options: RedisConnectionOptions): RedisConnection {
  const { log, answerMs = 2_000 } = options
  const name = describeRedisAddress(address)
  const open = new Set<RedisClient>()
  const watch = watchAvailability(name, log)
  let prompt: RedisClient | undefined
  let patient: RedisClient | undefined
  let settled: Promise<void> | undefined

  function start(how: Behaviour): RedisClient {
    const client = keepTrack(createClient(address, how), open)
    watch(client)
    return client
  }
  function promptClient(): RedisClient {
    prompt ??= start({ offlineQueue: false, retries: 0, silenceMs: answerMs })
    settled ??= readyWithin(prompt, answerMs)
    return prompt
  }

  return {
    name,
    answerMs,
    prompt: promptClient,
    patient() {
      patient ??= start({ offlineQueue: true, retries: null, silenceMs: SILENCE_MS })
      return patient
    },
    async settled() {
      promptClient()
      await settled
    },
    identities: () => redisIdentitiesOf(promptClient()),
    async close() {
      await Promise.all([...open].map(end))
    },
  }
}

/** ioredis puts the arguments of a refused command, a password among them, on its errors: only the message may go on. */
export function redisProblem(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // A Cluster that cannot be reached says so in general, and why in its last node's error.
  const detail =
    'lastNodeError' in error && error.lastNodeError instanceof Error ? error.lastNodeError : undefined
  return (detail ? `${error.message} ${detail.message}` : error.message) || error.name
}

/** By which a Redis is known wherever it is met: `run_id` of each node, and `master_replid`, which its copies share. */
export async function redisIdentitiesOf(client: RedisClient): Promise<string[]> {
  const nodes = client instanceof Cluster ? client.nodes('all') : [client]
  const told = await Promise.all(nodes.map((node) => node.info()))
  return told.flatMap((info) =>
    [...info.matchAll(/^(?:run_id|master_replid):(\w+)/gm)].map(([, identity = '']) => identity),
  )
}

interface Behaviour {
  offlineQueue: boolean
  /** Reconnects that a command under way survives; null for all. */
  retries: number | null
  silenceMs: number
}

function createClient(address: RedisAddress, how: Behaviour): RedisClient {
  const { hosts, tls } = address
  const common = {
    username: address.username,
    password: address.password,
    tls: tls ? {} : undefined,
    connectionName: 'sluice',
    connectTimeout: 5_000,
    keepAlive: 10_000,
    socketTimeout: how.silenceMs,
    maxRetriesPerRequest: how.retries,
    reconnectOnError: leaveReplica(),
  } satisfies RedisOptions
  if (address.kind === 'cluster') {
    return new Cluster(hosts, {
      enableOfflineQueue: how.offlineQueue,
      clusterRetryStrategy: reconnectPause,
      redisOptions: common,
      // Certificates name hosts: with TLS a host name must not be turned into an address first.
      ...(tls ? { dnsLookup: (host, found) => found(null, host) } : {}),
    } satisfies ClusterOptions)
  }
  const single = {
    ...common,
    db: address.db,
    retryStrategy: reconnectPause,
    enableOfflineQueue: how.offlineQueue,
  }
  if (address.kind === 'single') return new Redis({ ...single, ...hosts[0] })
  return new Redis({
    ...single,
    sentinels: hosts,
    name: address.masterName,
    sentinelUsername: address.sentinelUsername,
    sentinelPassword: address.sentinelPassword,
    sentinelRetryStrategy: reconnectPause,
    sentinelTLS: tls ? {} : undefined,
    enableTLSForSentinelMode: tls,
  })
}

/** A replica answers READONLY after a failover: the new connection finds the new master, once there is one. */
function leaveReplica(): (error: Error) => boolean {
  let lastMs = Number.NEGATIVE_INFINITY
  return ({ message }) => {
    if (!message.startsWith('READONLY') || performance.now() - lastMs < LEAVE_REPLICA_MS) return false
    lastMs = performance.now()
    return true
  }
}

/** Milliseconds; the random part keeps a fleet from coming back in one instant. */
function reconnectPause(attempt: number): number {
  const pause = Math.min(50 * 2 ** Math.min(attempt, 10), RECONNECT_MS_MAX)
  return Math.round(pause * (0.8 + 0.2 * Math.random()))
}

/** BullMQ duplicates a client for each lane that it blocks on; those must end with us as well. */
function keepTrack<Client extends RedisClient>(client: Client, open: Set<RedisClient>): Client {
  open.add(client)
  client.on('connecting', () => open.add(client))
  client.on('end', () => open.delete(client))
  client.on('error', (error: unknown) => {
    if (isNoDatabase(error)) client.disconnect(true)
  })
  const duplicate = client.duplicate.bind(client) as (...args: unknown[]) => RedisClient
  Object.assign(client, { duplicate: (...args: unknown[]) => keepTrack(duplicate(...args), open) })
  return client
}

/** Redis has not the database of the address, or not for us. ioredis would go on with the first one, which may be another's. */
function isNoDatabase(error: unknown): boolean {
  return error instanceof ReplyError && (error as { command?: { name: string } }).command?.name === 'select'
}

function watchAvailability(name: string, log: Log): (client: RedisClient) => void {
  const away = new Set<RedisClient>()
  const asksAgain = new Set<RedisClient>()
  let state: 'unknown' | 'here' | 'away' = 'unknown'
  let awaySinceMs = 0
  let reason = ''
  let policySeen = 'noeviction'

  async function arrived(client: RedisClient) {
    if (state === 'here') return
    const found = await standing(client)
    if (!found || client.status !== 'ready') return
    const { isReplica, policy } = found
    if (isReplica) {
      reason = 'it is a replica, which takes no writes'
      left(client)
      askAgain(client)
      return
    }
    away.delete(client)
    if (away.size > 0 || isHere()) return
    if (state === 'away') log.info({ redis: name, awayMs: Date.now() - awaySinceMs }, 'Redis is back')
    state = 'here'
    reason = ''
    if (policy !== policySeen && policy !== 'noeviction') {
      log.warn(
        { redis: name, maxmemoryPolicy: policy },
        'Redis may drop queued work when its memory is full: set maxmemory-policy to noeviction',
      )
    }
    policySeen = policy
  }
  /** A replica may become the master again on the same connection. */
  function askAgain(client: RedisClient) {
    // The connection may have been made anew before it was asked again.
    if (asksAgain.has(client)) return
    asksAgain.add(client)
    setTimeout(() => {
      asksAgain.delete(client)
      void arrived(client)
    }, LEAVE_REPLICA_MS).unref()
  }
  /** Another client may have found it so meanwhile. */
  const isHere = () => state === 'here'
  function left(client: RedisClient) {
    away.add(client)
    if (state === 'away') return
    state = 'away'
    awaySinceMs = Date.now()
    log.warn({ redis: name, reason }, 'Redis is away')
  }

  return (client) => {
    client.on('ready', () => void arrived(client))
    client.on('error', (error: unknown) => {
      const problem = redisProblem(error)
      // What ioredis still wanted to say on a connection that was ended for a reason.
      if (reason === '' || !problem.startsWith("Stream isn't writeable")) reason = problem
    })
    client.on('close', () => {
      reason ||= 'the connection was closed'
    })
    // Only a lost connection is tried again; one that we ended goes from close to end.
    client.on('reconnecting', () => left(client))
  }
}

/** Nothing when it was lost before it answered. A Redis that may not be asked is taken for one that is well. */
async function standing(client: RedisClient): Promise<{ isReplica: boolean; policy: string } | undefined> {
  const info = await client.info().catch((error) => (error instanceof ReplyError ? '' : undefined))
  if (info === undefined) return undefined
  return {
    isReplica: /^role:slave/m.test(info),
    policy: /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'noeviction',
  }
}

function readyWithin(client: RedisClient, waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      client.off('ready', done)
      client.off('end', done)
      resolve()
    }
    const timer = setTimeout(done, waitMs)
    client.on('ready', done)
    client.on('end', done)
  })
}

function end(client: RedisClient): Promise<void> {
  // Between two tries there is nothing to end but ioredis's timer, and no event tells that it is gone.
  if (client.status === 'end' || client.status === 'reconnecting') {
    client.disconnect()
    return Promise.resolve()
  }
  return new Promise((resolve) => {
    // A client that is asking sentinels ends only when they answered: the process need not wait for that.
    const timer = setTimeout(resolve, 500)
    client.once('end', () => {
      clearTimeout(timer)
      resolve()
    })
    client.disconnect()
  })
}
