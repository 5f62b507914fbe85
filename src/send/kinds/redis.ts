import type { Redis } from 'ioredis'
import type { ConfigOf } from '../../integrations/integrations.ts'
import type { Verdict } from '../verdict.ts'
import { Failed, type Kind, type Link, loadClient, type Way } from './kind.ts'
import { isOpen, secretsOf, secured } from './tls.ts'
import { fillText, readValues, textOf } from './values.ts'

type Config = ConfigOf<'redis'>

interface RedisLink extends Link {
  redis: Redis
}

interface Parcel {
  stream: string
  deliveryId: string
  fields: string[]
}

/**
 * The entry before its key: an entry that cannot be added leaves no key behind, and with the key nothing is added
 * again. A script runs whole or, when the first of its writes is refused, not at all.
 */
const ADD = `
local before = redis.call('GET', KEYS[2])
if before then return {0, before} end
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, 3))
redis.call('SET', KEYS[2], id, 'EX', ARGV[2])
return {1, id}`

const KEY_BYTES_MAX = 10_000

/** Entries of a stream in Redis, each once for its delivery. */
export const redisKind: Kind<Config, Parcel, RedisLink> = {
  address: ({ host, port, db, stream }) => ({
    method: 'XADD',
    url: `redis://${host}:${port}/${db}/${stream}`,
  }),
  secrets: secretsOf,
  pack(config, item, { deliveryId, isTest }) {
    const key = fillText(config.stream, item, config.unknownFields)
    if (!key.ok) return { ok: false, message: `the name of the stream cannot be filled in: ${key.message}` }
    if (key.text === '' || Buffer.byteLength(key.text) > KEY_BYTES_MAX)
      return { ok: false, message: `the name of the stream is empty or longer than ${KEY_BYTES_MAX} bytes` }
    const read = readValues(config.fields, item, config.unknownFields)
    if (!read.ok) return read
    const names = Object.keys(config.fields)
    const fields = [
      config.idField,
      deliveryId,
      ...names.flatMap((name, at) => [name, textOf(read.values[at] ?? null)]),
      ...(isTest ? ['sluice_test', 'true'] : []),
    ]
    const shown = {
      url: `redis://${config.host}:${config.port}/${config.db}/${key.text}`,
      headers: [
        ['fields', [config.idField, ...names].join(', ')],
        ['delivery', deliveryId],
      ] as [string, string][],
    }
    return { ok: true, parcel: { stream: key.text, deliveryId, fields }, shown }
  },
  async open(config, way) {
    const client = await loadClient('ioredis', () => import('ioredis'))
    const socket = await way.connect(config)
    try {
      const stream = config.tls ? await secured(socket, config) : socket
      const redis = new client.Redis({
        Connector: connectorOver(stream) as never,
        db: config.db,
        ...(config.auth?.username !== undefined && { username: config.auth.username }),
        ...(config.auth && { password: config.auth.password }),
        connectionName: 'sluice',
        lazyConnect: true,
        // A link that is lost stays lost: it was checked once, and a new one is checked anew.
        retryStrategy: () => null,
        maxRetriesPerRequest: 0,
        enableReadyCheck: false,
      })
      let failure: Error | undefined
      redis.on('error', (error: Error) => {
        failure = error
      })
      await redis.connect().catch((error: Error) => {
        throw failure ?? error
      })
      await refuseOwn(redis, way.own, () => failure)
      return {
        redis,
        isAlive: () => isOpen(stream) && redis.status === 'ready',
        cut: () => {
          redis.disconnect()
          socket.destroy()
        },
      }
    } catch (error) {
      socket.destroy()
      throw error
    }
  },
  async deliver({ redis }, { stream, deliveryId, fields }, { lengthMax, rememberSeconds }) {
    const memory = `sluice:${tagOf(stream)}:${deliveryId}`
    const came = await redis.eval(ADD, 2, stream, memory, lengthMax, rememberSeconds, ...fields)
    const [added, id] = came as [number, string]
    return added === 1 ? `added as ${id}` : `delivered before as ${id}: nothing was added`
  },
  judge,
}

/** In a cluster both keys must lie together, and what is in braces decides where. */
function tagOf(stream: string): string {
  const tag = /\{([^}]+)\}/.exec(stream)?.[1] ?? stream
  return tag.includes('}') ? tag : `{${tag}}`
}

function connectorOver(stream: object) {
  return class {
    connecting = false
    check() {
      return true
    }
    async connect() {
      return stream
    }
    disconnect() {
      ;(stream as { destroy(): void }).destroy()
    }
  }
}

async function refuseOwn(redis: Redis, own: Way['own'], failure: () => Error | undefined): Promise<void> {
  const ours = await own.redis().catch((error: Error) => {
    throw new Failed('retry', 'own_server', `Sluice cannot tell its own Redis: ${error.message}`)
  })
  // Asked in any case: the first answer shows whether we were let in.
  const info = await redis.info().catch((error: Error) => {
    const denied = failure() ?? error
    if (!/^NOPERM/.test(denied.message)) throw denied
    if (ours.length === 0) return ''
    throw new Failed('dead', 'own_server', 'the server does not tell which one it is: allow its user +info')
  })
  if (ours.length === 0) return
  const theirs = redisIdentities(info)
  if (theirs.length === 0)
    throw new Failed('dead', 'own_server', 'the server does not tell which one it is: INFO names no run_id')
  if (theirs.some((identity) => ours.includes(identity)))
    throw new Failed('dead', 'own_server', 'this is the Redis of Sluice itself; nothing is written there')
}

function redisIdentities(info: string): string[] {
  return [...info.matchAll(/^(?:run_id|master_replid):(\w+)/gm)].map(([, identity = '']) => identity)
}

const FINAL: [RegExp, 'unauthorized' | 'not_found' | 'not_allowed', string][] = [
  [
    /^(?:WRONGPASS|NOAUTH|NOPERM|DENIED|ERR invalid password|ERR .*AUTH)/,
    'unauthorized',
    'check the auth of the destination',
  ],
  [/^WRONGTYPE/, 'not_found', 'what has this name is no stream'],
  [/DB index|invalid DB/, 'not_found', 'check the db of the destination'],
  [/^(?:MOVED|ASK|CROSSSLOT)/, 'not_found', 'the stream lies on another node of the cluster: name that one'],
  [/unknown command/i, 'not_allowed', 'the server has no streams or no scripts'],
]

/** Source: Redis documentation, "RESP protocol specification", simple errors, and the messages of the server itself. */
function judge(error: unknown): Verdict | undefined {
  // ioredis puts the arguments of a refused command on its errors: only the message goes on.
  const message = error instanceof Error ? error.message : ''
  // The script's own line numbers say nothing to an operator.
  const words = message.replace(/ script: [0-9a-f]{40}.*$/s, '').trim()
  if (!/^[A-Z]{2,}\b/.test(words) || /^E[A-Z]+\b/.test(words.replace(/^ERR\b/, ''))) return undefined
  const said = `Redis says ${words}`
  const final = FINAL.find(([pattern]) => pattern.test(words))
  if (final) return { verdict: 'dead', reason: final[1], message: `${said}; ${final[2]}` }
  if (/^(?:OOM|BUSY|ERR max number of clients)/.test(words))
    return { verdict: 'retry', reason: 'busy', message: said }
  return { verdict: 'retry', reason: 'server_error', message: said }
}
