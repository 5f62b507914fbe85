/**
 * What a kind of destination is: one file that says how an item is packed, how a link to the server is opened, how
 * the parcel is delivered over it, and what its failures mean. Time-outs, kept links, the guard and the attempt
 * record are the sender's.
 */
import type { Socket } from 'node:net'
import type { Timing } from '../../outbound/outbound.ts'
import type { Json } from '../../payload/exact-json.ts'
import type { DeliveryFacts } from '../push.ts'
import type { Reason, Verdict } from '../verdict.ts'

export interface Kind<Config, Parcel, Held extends Link> {
  /** What is sent, made without the network; or a sentence why this item can never be sent. Must not throw. */
  pack(config: Config, item: Json, facts: DeliveryFacts): Packed<Parcel>
  /** What the attempt shows, whether or not it can be packed. No secret may stand in it. */
  address(config: Config): ShownAddress
  /** Texts that must not be shown. */
  secrets(config: Config): string[]
  /**
   * Opens a link that serves one delivery at a time, over sockets of the way alone. It also refuses a server of ours.
   *
   * @throws Failed, or what the client throws
   */
  open(config: Config, way: Way): Promise<Held>
  /**
   * Delivers over the link. It resolves when the server has it for good.
   *
   * @returns what came back, for the operator
   * @throws Failed, or what the client throws
   */
  deliver(link: Held, parcel: Parcel, config: Config): Promise<string>
  /** What an error of the client means; undefined where only the network had a part in it. */
  judge(error: unknown): Verdict | undefined
}

export type Packed<Parcel> =
  | { ok: true; parcel: Parcel; shown: Partial<ShownAddress> & { headers: [name: string, value: string][] } }
  | { ok: false; message: string }

export interface ShownAddress {
  /** What is done: `INSERT`, `XADD`. */
  method: string
  /** Where: `postgres://db.example.com:5432/shop/orders`. */
  url: string
}

export interface Link {
  /** False as soon as it is known that the other side is gone, or for a link that is not kept. */
  isAlive(): boolean
  /** Ends it at once. Must not throw. */
  cut(): void
}

/** A server as a config names it. */
export interface Server {
  host: string
  port: number
}

/** The only way to a server. */
export interface Way {
  /** A connection through the guard; TLS is for the client to begin. Cut with the attempt, if the link is not open by then. */
  connect(server: Server): Promise<Socket>
  /** The address that the guard lets pass, for a client that can take no connection. */
  resolve(server: Server): Promise<string>
  own: OwnServers
  timeoutMs: number
}

/** The servers that Sluice keeps its own data on; what is there is never written to. */
export interface OwnServers {
  /** `system_identifier` of the PostgreSQL. */
  postgres(): Promise<string>
  /** `run_id` and `master_replid` of the Redis; none where there is no Redis. */
  redis(): Promise<string[]>
}

/** What came back. */
export type KindAnswer =
  | { ok: true; status?: never; headers: [string, string][]; body: Buffer; timing: Timing }
  | { ok: false; status?: never; timing: Timing }

/** A failure whose meaning is known where it is thrown. */
export class Failed extends Error {
  readonly verdict: Verdict

  constructor(verdict: 'retry' | 'dead', reason: Reason, message: string) {
    super(message)
    this.name = 'Failed'
    this.verdict = verdict === 'dead' ? { verdict, reason, message } : { verdict, reason, message }
  }
}

/** @throws Failed when the package is not installed. */
export async function loadClient<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error
    const advice = `install it where Sluice runs (npm install ${name}), and replay`
    throw new Failed('dead', 'client_missing', `the package ${name} is not installed: ${advice}`)
  }
}
