import type { AdminOptions } from '../admin/admin.ts'
import { createOutbound, type HostPort } from '../outbound/outbound.ts'
import type { Log } from '../platform/log.ts'
import type { Settings } from '../platform/settings.ts'
import { type OwnServers, tryDestination } from '../send/send.ts'
import type { Closers } from './closers.ts'
import { openSenders } from './open-senders.ts'

/** What an operator sends to a destination to try it, over a way out of its own: an edge has no other. */
export function openTryDestination(
  settings: Settings,
  own: OwnServers,
  allowed: HostPort[],
  log: Log,
  closers: Closers,
): AdminOptions['tryDestination'] {
  const outbound = closers.add(createOutbound({ allowed, log }), (opened) => opened.close())
  const senders = closers.add(openSenders(settings, outbound, own), (opened) => opened.close())
  return (destination, item, signal) => tryDestination(destination, item, { senders, signal })
}
