import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createOutbound, type OutboundOptions } from '../../src/outbound/outbound.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

/** A server that greets, as those for mail and databases do. */
async function greeter(): Promise<{ port: number; connections: Socket[] }> {
  const connections: Socket[] = []
  const server: Server = createServer((socket) => {
    connections.push(socket)
    socket.on('error', () => {})
    socket.write('220 hello\r\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push({
    close: () => {
      for (const socket of connections) socket.destroy()
      server.close()
    },
  })
  return { port: (server.address() as { port: number }).port, connections }
}

function way(options: Partial<OutboundOptions> = {}) {
  const warned: string[] = []
  const log = { warn: (_fields: object, message: string) => void warned.push(message) }
  const outbound = createOutbound({ allowed: [], log, ...options })
  open.push(outbound)
  return { ...outbound, warned }
}

const TIMEOUT = { timeoutMs: 5_000 }

test('a connection to an allowed place is the caller’s, with all that was said on it', async () => {
  const { port } = await greeter()
  const { connect } = way({ allowed: [{ host: 'localhost', port }] })
  const connected = await connect({ host: 'LOCALHOST.', port, ...TIMEOUT })
  if (!connected.ok) throw new Error(connected.message)
  open.push({ close: () => connected.socket.destroy() })
  expect(connected.remoteAddress).toBe('127.0.0.1')
  const [said] = await once(connected.socket, 'data')
  expect(String(said)).toBe('220 hello\r\n')
})

test('nothing inside is reached that was not allowed, however it is written', async () => {
  const { port, connections } = await greeter()
  const { connect, warned } = way({ allowed: [{ host: 'mail.internal', port }] })
  const hosts = [
    '127.0.0.1',
    'localhost',
    '::1',
    '::ffff:127.0.0.1',
    '0',
    '2130706433',
    '0x7f.1',
    '①②⑦.0.0.1',
  ]
  for (const host of hosts)
    expect([host, await connect({ host, port, ...TIMEOUT })]).toEqual([
      host,
      expect.objectContaining({ ok: false, reason: 'blocked_address' }),
    ])
  expect(connections).toEqual([])
  expect(warned).toHaveLength(hosts.length)
})

test('a name that leads inside is refused, also when only one of its addresses does', async () => {
  const { port, connections } = await greeter()
  const { connect } = way({ resolver: async () => ['93.184.216.34', '127.0.0.1'] })
  expect(await connect({ host: 'mail.example', port, ...TIMEOUT })).toMatchObject({
    ok: false,
    reason: 'blocked_address',
  })
  expect(connections).toEqual([])
})

test('what is no host name leads nowhere', async () => {
  const { connect } = way()
  for (const host of ['', 'a b', 'mail.example/path', 'user@mail.example', 'mail.example:25', 'a..b', '[::1'])
    expect([host, await connect({ host, port: 25, ...TIMEOUT })]).toEqual([
      host,
      expect.objectContaining({ ok: false, reason: 'bad_url' }),
    ])
})

test('a place where nobody listens, a look-up that hangs, and a caller who gives up are told apart', async () => {
  const { port } = await greeter()
  await open.splice(0)[0]?.close()
  const { connect } = way({ allowed: [{ host: '127.0.0.1', port }] })
  expect(await connect({ host: '127.0.0.1', port, ...TIMEOUT })).toMatchObject({
    ok: false,
    reason: 'connect',
    message: expect.stringContaining(`127.0.0.1 port ${port}: `),
  })
  const hanging = way({ resolver: () => new Promise(() => {}) })
  expect(await hanging.connect({ host: 'mail.example', port, timeoutMs: 50 })).toMatchObject({
    ok: false,
    reason: 'timeout',
  })
  const signal = AbortSignal.timeout(50)
  expect(await hanging.connect({ host: 'mail.example', port, ...TIMEOUT, signal })).toMatchObject({
    ok: false,
    reason: 'aborted',
  })
})
