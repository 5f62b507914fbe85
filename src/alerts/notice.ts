import type { Outbound } from '../outbound/outbound.ts'

/** A message as it is told, whatever the way. */
export interface Notice {
  /** Stays the same when it is sent again. */
  id: string
  type: 'incident.opened' | 'incident.recovered' | 'attempt.failed' | 'attempt.last_failed' | 'test'
  at: Date
  /** One line. */
  subject: string
  text: string
  /** For programs. */
  data: object
}

/** `problem` is what an operator should know although it was told. */
export type Told = { ok: true; problem: string | null } | { ok: false; problem: string }

/** How a kind of channel tells a notice. Never rejects for what the other side or the network does. */
export type Way<Config> = (config: Config, notice: Notice, tools: WayTools) => Promise<Told>

export interface WayTools {
  outbound: Pick<Outbound, 'request' | 'connect'>
  signal: AbortSignal
}
