/** How many connections a server has at once, in all and from one address, so that nobody's keep the others out. */
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface ConnectionLimits {
  connectionsMax: number
  perAddressMax: number
  /** Whose connections bring the requests of many. */
  isProxy(address: string | undefined): boolean
  onOpen(): void
  onClosed(): void
  /** Told of each that is one too many of its address. */
  onBeyond(address: string | undefined): void
  /** Told of each that was cut off unheard. */
  onDropped(): void
}

export interface ConnectionPlaces {
  /** Whether its requests are to be refused, as its address has its share already. */
  isBeyond(socket: Socket): boolean
}

/** From here on those that are kept for later requests have to go. */
const CROWDED = 0.9
const MAKE_ROOM_MS = 1_000
/** An address that goes on is not even answered. */
const UNHEARD_FACTOR = 2

export function limitConnections(server: Server, limits: ConnectionLimits): ConnectionPlaces {
  const { connectionsMax, perAddressMax } = limits
  const counts = new Map<string, number>()
  const beyond = new Set<string>()
  let open = 0
  let madeRoomAt = Number.NEGATIVE_INFINITY

  function makeRoom(): void {
    if (open < CROWDED * connectionsMax || performance.now() - madeRoomAt < MAKE_ROOM_MS) return
    madeRoomAt = performance.now()
    server.closeIdleConnections()
  }

  function enter(socket: Socket): void {
    const ends = endsOf(socket)
    const address = socket.remoteAddress ?? ''
    open += 1
    limits.onOpen()
    makeRoom()
    const count = (counts.get(address) ?? 0) + 1
    counts.set(address, count)
    socket.once('close', () => {
      open -= 1
      limits.onClosed()
      beyond.delete(ends)
      const left = (counts.get(address) ?? 1) - 1
      if (left === 0) counts.delete(address)
      else counts.set(address, left)
    })
    if (count <= perAddressMax || limits.isProxy(socket.remoteAddress)) return
    limits.onBeyond(socket.remoteAddress)
    if (count <= UNHEARD_FACTOR * perAddressMax) {
      beyond.add(ends)
      return
    }
    limits.onDropped()
    socket.destroy()
  }

  server.maxConnections = connectionsMax
  server.on('drop', limits.onDropped)
  server.on('connection', enter)
  return { isBeyond: (socket) => beyond.has(endsOf(socket)) }
}

/** By which a connection is known both before and after TLS is agreed on, where its sockets are two. */
export function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}

/** For databases, the journal, the sandbox and what else the process opens. */
const OTHER_FILES = 256

/** As many of the wanted connections as the process may have open files for. */
export function possibleConnections(wanted: number): number {
  const filesMax = openFilesMax()
  return filesMax === undefined ? wanted : Math.max(1, Math.min(wanted, filesMax - OTHER_FILES))
}

/** The limit of the system; undefined where there is no `/proc`, or none is set. */
function openFilesMax(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}
