/** A real DNS server on UDP, with settable answers, delays and counters. It knows A, AAAA, PTR and CNAME. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'

export type RecordType = 'A' | 'AAAA' | 'PTR' | 'CNAME'

export interface SettableAnswer {
  /** Addresses or names; none is "no such record". */
  records?: readonly string[]
  ttlSeconds?: number
  delayMs?: number
  /** 2 is SERVFAIL, 3 NXDOMAIN, 5 REFUSED. */
  rcode?: number
  /** Never answers. */
  silent?: boolean
  /** Stands before the records in the same answer, as a resolver gives an alias. */
  alias?: string
}

export interface DnsServer {
  /** For {@link Resolver.setServers}. */
  address: string
  set(type: RecordType, name: string, answer: SettableAnswer): void
  /** What is not set: NXDOMAIN at once, unless said otherwise. */
  setDefault(answer: SettableAnswer): void
  asked(type: RecordType, name: string): number
  askedInAll(): number
  /** Different questions: a resolver that hears nothing in time asks the same one again. */
  askedDifferent(): number
  close(): Promise<void>
}

const TYPE_NUMBERS: Record<RecordType, number> = { A: 1, CNAME: 5, PTR: 12, AAAA: 28 }
const HEADER_BYTES = 12

/** Listens on a free port of 127.0.0.1. */
export async function startDnsServer(): Promise<DnsServer> {
  const answers = new Map<string, SettableAnswer>()
  const counts = new Map<string, number>()
  const timers = new Set<NodeJS.Timeout>()
  let fallback: SettableAnswer = { rcode: 3 }
  const socket = createSocket('udp4')

  socket.on('message', (packet, peer) => {
    const question = readQuestion(packet)
    const key = `${question.type} ${question.name}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
    const answer = answers.get(key) ?? fallback
    if (answer.silent) return
    const timer = setTimeout(() => {
      timers.delete(timer)
      socket.send(writeAnswer(packet, question, answer), peer.port, peer.address)
    }, answer.delayMs ?? 0)
    timers.add(timer)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')

  return {
    address: `127.0.0.1:${socket.address().port}`,
    set: (type, name, answer) => void answers.set(`${TYPE_NUMBERS[type]} ${name.toLowerCase()}`, answer),
    setDefault(answer) {
      fallback = answer
    },
    asked: (type, name) => counts.get(`${TYPE_NUMBERS[type]} ${name.toLowerCase()}`) ?? 0,
    askedDifferent: () => counts.size,
    askedInAll: () => [...counts.values()].reduce((sum, count) => sum + count, 0),
    close: () => closeServer(socket, timers),
  }
}

/** The name under which the PTR records of an address stand. */
export function ptrName(address: string): string {
  if (isIPv4(address)) return `${address.split('.').reverse().join('.')}.in-addr.arpa`
  return `${[...ipv6Bytes(address).toString('hex')].reverse().join('.')}.ip6.arpa`
}

async function closeServer(socket: Socket, timers: Set<NodeJS.Timeout>): Promise<void> {
  for (const timer of timers) clearTimeout(timer)
  socket.close()
  await once(socket, 'close')
}

interface Question {
  type: number
  name: string
  endsAt: number
}

function readQuestion(packet: Buffer): Question {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = packet.readUInt8(at); length > 0; length = packet.readUInt8(at)) {
    labels.push(packet.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: packet.readUInt16BE(at + 1), endsAt: at + 5 }
}

function writeAnswer(packet: Buffer, question: Question, answer: SettableAnswer): Buffer {
  const { records = [], rcode = 0, alias, ttlSeconds = 60 } = answer
  const owner = alias ?? question.name
  const written = records.map((record) => writeRecord(owner, question.type, record, ttlSeconds))
  if (alias !== undefined) written.unshift(writeRecord(question.name, TYPE_NUMBERS.CNAME, alias, ttlSeconds))
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(packet.readUInt16BE(0), 0)
  // Response, recursion desired and available.
  header.writeUInt16BE(0x8180 | rcode, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(written.length, 6)
  return Buffer.concat([header, packet.subarray(HEADER_BYTES, question.endsAt), ...written])
}

function writeRecord(owner: string, type: number, record: string, ttlSeconds: number): Buffer {
  const data = recordData(type, record)
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(type, 0)
  fixed.writeUInt16BE(1, 2)
  fixed.writeUInt32BE(ttlSeconds, 4)
  fixed.writeUInt16BE(data.length, 8)
  return Buffer.concat([writeName(owner), fixed, data])
}

function recordData(type: number, record: string): Buffer {
  if (type === TYPE_NUMBERS.A) return Buffer.from(record.split('.').map(Number))
  if (type === TYPE_NUMBERS.AAAA) return ipv6Bytes(record)
  return writeName(record)
}

/** `\.` in a name is a dot inside a label. */
function writeName(name: string): Buffer {
  const labels = name.split(/(?<!\\)\./).map((label) => Buffer.from(label.replaceAll('\\.', '.'), 'latin1'))
  return Buffer.concat([...labels.flatMap((label) => [Buffer.from([label.length]), label]), Buffer.from([0])])
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::')
  const before = head.split(':').filter(Boolean)
  const after = (tail ?? '').split(':').filter(Boolean)
  const zeros: string[] = Array(tail === undefined ? 0 : 8 - before.length - after.length).fill('0')
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex')
}
