import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Destination } from '../../integrations/integrations.ts'
import type { NotConnected, Outbound, Timing } from '../../outbound/outbound.ts'
import type { Json } from '../../payload/exact-json.ts'
import type { DeliveryFacts, Pushed } from '../push.ts'
import type { Verdict } from '../verdict.ts'
import { Failed, type Kind, type Link, type OwnServers, type Server, type Way } from './kind.ts'
import { createLinks, type Links, type Taken } from './links.ts'
import { isTlsFailure } from './tls.ts'

export interface SenderTools {
  outbound: Outbound
  own: OwnServers
}

export interface Sender<Config> {
  /** Brings an item to its destination once, all of it within the destination's time-out. Never rejects. */
  send(
    destination: { id: Destination['id']; config: Config },
    item: Json,
    facts: DeliveryFacts,
    signal: AbortSignal,
  ): Promise<Pushed>
  close(): void
}

interface Timed {
  timeoutMs: number
}

/** Longer than any handshake with a healthy host; shorter when the whole attempt has less. */
const CONNECT_MS_MAX = 10_000

export function createSender<Config extends Timed, Parcel, Held extends Link>(
  kind: Kind<Config, Parcel, Held>,
  tools: SenderTools,
): Sender<Config> {
  const links = createLinks<Held>()
  return {
    async send({ id, config }, item, facts, signal) {
      const hidden = { names: [], texts: kind.secrets(config) }
      const request = { ...kind.address(config), headers: [], hidden }
      const packed = kind.pack(config, item, facts)
      if (!packed.ok)
        return {
          request,
          answer: undefined,
          verdict: { verdict: 'dead', reason: 'unsendable', message: packed.message },
        }
      const shown = { ...request, ...packed.shown }
      return { request: shown, ...(await attempt(kind, links, { id, config }, packed.parcel, tools, signal)) }
    },
    close: () => links.close(),
  }
}

async function attempt<Config extends Timed, Parcel, Held extends Link>(
  kind: Kind<Config, Parcel, Held>,
  links: Links<Held>,
  { id, config }: { id: string; config: Config },
  parcel: Parcel,
  { outbound, own }: SenderTools,
  caller: AbortSignal,
): Promise<Pick<Pushed, 'answer' | 'verdict'>> {
  const startedAt = performance.now()
  const timing: Timing = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, totalMs: 0 }
  const signal = AbortSignal.any([caller, AbortSignal.timeout(config.timeoutMs)])
  let taken: Taken<Held> | undefined
  try {
    const open = () => openWithin(kind, config, { outbound, own }, signal)
    taken = await links.take(keyOf(id, config), open, signal)
    if (taken.fresh) timing.connectMs = performance.now() - startedAt
    const came = await orAbort(kind.deliver(taken.link, parcel, config), signal)
    taken.keep()
    timing.totalMs = performance.now() - startedAt
    return {
      answer: { ok: true, headers: [], body: Buffer.from(came), timing },
      verdict: { verdict: 'delivered', reason: 'success', message: came },
    }
  } catch (error) {
    taken?.drop()
    timing.totalMs = performance.now() - startedAt
    return { answer: { ok: false, timing }, verdict: verdictOf(error, kind, config.timeoutMs, caller) }
  }
}

/** A change of a config leaves the links of the old one behind. */
function keyOf(id: string, config: object): string {
  return `${id} ${createHash('sha256').update(JSON.stringify(config)).digest('base64')}`
}

/** What is open when the attempt is over is cut, also a link that comes about later. */
async function openWithin<Config extends Timed, Held extends Link>(
  kind: Kind<Config, unknown, Held> | Pick<Kind<Config, never, Held>, 'open'>,
  config: Config,
  tools: SenderTools,
  signal: AbortSignal,
): Promise<Held> {
  const sockets: Socket[] = []
  const opening = kind.open(config, wayOf(config, tools, signal, sockets))
  try {
    return await orAbort(opening, signal)
  } catch (error) {
    for (const socket of sockets) socket.destroy()
    void opening.then(
      (link) => link.cut(),
      () => {},
    )
    throw error
  }
}

function wayOf(
  { timeoutMs }: Timed,
  { outbound, own }: SenderTools,
  signal: AbortSignal,
  sockets: Socket[],
): Way {
  const request = ({ host, port }: Server) => ({
    host,
    port,
    timeoutMs: Math.min(CONNECT_MS_MAX, timeoutMs),
    signal,
  })
  return {
    own,
    timeoutMs,
    async connect(server) {
      const connected = await outbound.connect(request(server))
      if (!connected.ok) throw unreached(connected)
      sockets.push(connected.socket)
      connected.socket.setKeepAlive(true, 10_000)
      return connected.socket
    },
    async resolve(server) {
      const resolved = await outbound.resolve(request(server))
      if (!resolved.ok) throw unreached(resolved)
      const [address] = resolved.addresses
      if (address === undefined) throw new Failed('retry', 'dns', `${server.host} has no address`)
      return address
    },
  }
}

function unreached({ reason, message }: NotConnected): Failed {
  const final = reason === 'blocked_address' || reason === 'bad_url'
  return new Failed(final ? 'dead' : 'retry', reason, message)
}

async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: end, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  // What is left behind must not end the process.
  promise.catch(() => {})
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, end])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function verdictOf<Config, Parcel, Held extends Link>(
  error: unknown,
  kind: Kind<Config, Parcel, Held>,
  timeoutMs: number,
  caller: AbortSignal,
): Verdict {
  if (error instanceof Failed) return error.verdict
  if (caller.aborted) return { verdict: 'retry', reason: 'aborted', message: 'given up by the caller' }
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return { verdict: 'retry', reason: 'timeout', message: `no end within ${timeoutMs} ms` }
  return kind.judge(error) ?? networkVerdict(error)
}

function networkVerdict(error: unknown): Verdict {
  const message = error instanceof Error ? error.message || error.name : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (isTlsFailure(code)) return { verdict: 'retry', reason: 'tls', message }
  if (code === 'ECONNREFUSED' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return { verdict: 'retry', reason: 'connect', message }
  if (code === 'ETIMEDOUT') return { verdict: 'retry', reason: 'timeout', message }
  return { verdict: 'retry', reason: 'reset', message }
}
