import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type ClientCertificate,
  createOutbound,
  type Outbound,
  type OutboundRequest,
} from '../../src/outbound/outbound.ts'
import { makeAuthority } from '../world/certificates.ts'
import { startReceiver } from '../world/receiver.ts'
import {
  encrypted,
  makeClient,
  privateAuthority,
  startTlsReceiver,
  type TlsReceiver,
} from './tls-receiver.ts'

const KEY_SENTENCE = /client certificate cannot be used/
const ours = makeClient('ours')
let there: TlsReceiver
let outbound: Outbound

beforeAll(async () => {
  there = await startTlsReceiver()
})
beforeEach(async () => {
  await outbound?.close()
  outbound = createOutbound({ allowed: [{ host: '127.0.0.1', port: there.port }], log: { warn() {} } })
  there.clients.length = 0
})
afterAll(async () => {
  await outbound.close()
  await there.close()
})

function ask(clientCertificate?: ClientCertificate, rest: Partial<OutboundRequest> = {}) {
  const timeoutMs = { connect: 5_000, total: 10_000 }
  const request: OutboundRequest = {
    method: 'POST',
    url: there.url,
    headers: [],
    body: '{}',
    timeoutMs,
    responseBytesMax: 1_000,
    ...rest,
  }
  return outbound.request({ ...request, ...(clientCertificate && { clientCertificate }) })
}

describe('a client certificate', () => {
  test('is shown to who asks for it, and its authority is trusted for that request only', async () => {
    expect(await ask(ours)).toMatchObject({ ok: true, status: 200 })
    expect(there.clients).toEqual(['ours'])
    const { ca: _, ...withoutAuthority } = ours
    expect(await ask(withoutAuthority)).toMatchObject({ ok: false, reason: 'tls' })
    expect(await ask()).toMatchObject({ ok: false, reason: 'tls' })
  })

  test('may have an encrypted key', async () => {
    const key = encrypted(ours.key, 'open sesame')
    expect(await ask({ ...ours, key, passphrase: 'open sesame' })).toMatchObject({ ok: true })
    expect(there.clients).toEqual(['ours'])
  })

  test.each([
    ['the wrong passphrase', { key: encrypted(ours.key, 'open sesame'), passphrase: 'wrong' }],
    ['no passphrase', { key: encrypted(ours.key, 'open sesame') }],
    ['the key of another', { key: makeClient('other').key }],
    ['a key that is none', { key: 'hush' }],
    ['a certificate that is none', { cert: 'hush' }],
  ])('with %s is a sentence without the key, and nothing is sent', async (_name, wrong) => {
    const before = there.connections()
    const answer = await ask({ ...ours, ...wrong })
    expect(answer).toMatchObject({
      ok: false,
      reason: 'bad_request',
      message: expect.stringMatching(KEY_SENTENCE),
    })
    expect(JSON.stringify(answer)).not.toMatch(/PRIVATE KEY|hush|sesame/)
    expect(there.connections()).toBe(before)
  })

  test('of an authority that the other side does not know is refused by it', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const strict = await startTlsReceiver(version)
      const out = createOutbound({ allowed: [{ host: '127.0.0.1', port: strict.port }], log: { warn() {} } })
      const strange = makeClient('ours', makeAuthority('Nobody'))
      for (const clientCertificate of [
        strange,
        { ...strange, cert: `${strange.cert}${privateAuthority.cert}` },
      ]) {
        const answer = await out.request({
          method: 'GET',
          url: strict.url,
          headers: [],
          timeoutMs: { connect: 5_000, total: 10_000 },
          responseBytesMax: 1_000,
          clientCertificate,
        })
        expect(answer).toMatchObject({ ok: false, reason: expect.stringMatching(/^(tls|reset)$/) })
      }
      expect(strict.clients).toEqual([])
      await out.close()
      await strict.close()
    }
  })

  test('is never shown on the connection of another, and its own is used again', async () => {
    const before = there.connections()
    const other = makeClient('other')
    for (const client of [ours, other, ours, other, { ...ours }]) await ask(client)
    expect(there.clients).toEqual(['ours', 'other', 'ours', 'other', 'ours'])
    expect(there.connections() - before).toBe(2)
  })

  test('is not shown over http', async () => {
    const plain = await startReceiver()
    const out = createOutbound({ allowed: [{ host: '127.0.0.1', port: plain.port }], log: { warn() {} } })
    const answer = await out.request({
      method: 'GET',
      url: plain.url,
      headers: [],
      timeoutMs: { connect: 5_000, total: 10_000 },
      responseBytesMax: 1_000,
      clientCertificate: ours,
    })
    expect(answer).toMatchObject({ ok: false, reason: 'bad_request' })
    expect(plain.requests).toEqual([])
    await out.close()
    await plain.close()
  })
})
