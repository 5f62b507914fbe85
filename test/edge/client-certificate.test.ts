import { once } from 'node:events'
import type { RequestOptions } from 'node:https'
import { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type HttpServer, startServer } from '../../src/cli/server.ts'
import {
  type CertificateTrust,
  clientCertificateOf,
  fitsCertificate,
  type ShownCertificate,
} from '../../src/edge/client-certificate.ts'
import { parseTrustedProxies } from '../../src/edge/source-address.ts'
import { anyText } from '../world/any-text.ts'
import { type MadeCertificate, makeAuthority, makeCertificate, type Subject } from '../world/certificates.ts'
import { askHttps, makeServerCertificate, openTls } from '../world/https.ts'

const NOBODY: CertificateTrust = { proxies: [], header: 'client-cert' }
const NOW = new Date('2026-06-01')
const root = makeAuthority('Root of senders')
const issuing = makeAuthority('Senders', root)
const strangers = makeAuthority('Senders')
const shop = sender([[['O', 'Shop, Inc.']], [['CN', 'shop.example']]])
const shown = {
  fingerprint: shop.fingerprint,
  subject: 'CN=shop.example,O=Shop\\, Inc.',
  commonName: 'shop.example',
}

let server: HttpServer
let trust = NOBODY
let now = NOW

beforeAll(async () => {
  const { cert, key } = makeServerCertificate()
  server = await startServer({
    host: '127.0.0.1',
    port: 0,
    headerBytesMax: 16_384,
    requestWaitMs: 5_000,
    tls: { current: () => ({ cert, key, clientCa: issuing.cert }), onRenewed() {}, asksForCertificate: true },
    fetch: (_request, { incoming }) => {
      const evidence = {
        socket: incoming.socket,
        socketAddress: incoming.socket.remoteAddress,
        header: (name: string) => incoming.headers[name],
      }
      const answer = clientCertificateOf(evidence, trust, now)
      return Response.json(answer ?? null)
    },
  })
})
afterAll(() => server.close(0))
beforeEach(() => {
  trust = NOBODY
  now = NOW
})

function sender(subject: Subject, more: { by?: MadeCertificate; from?: Date; to?: Date } = {}) {
  return makeCertificate({ subject, by: issuing, ...more })
}

function trusting(...proxies: string[]): CertificateTrust {
  const list = parseTrustedProxies(proxies)
  if ('errors' in list) throw new Error(list.errors.join())
  return { proxies: list.proxies, header: 'client-cert' }
}

async function seen(showing?: MadeCertificate, headers: Record<string, string> = {}): Promise<unknown> {
  const options: RequestOptions = { headers, ...(showing && { cert: showing.cert, key: showing.key }) }
  return JSON.parse((await askHttps(server.port, options)).body)
}

/** Asks on a connection that stays open. */
async function askOn(socket: TLSSocket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nhost: h\r\n\r\n')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  return answer.toString()
}

const inHeader = ({ der }: MadeCertificate) => ({ 'client-cert': `:${der.toString('base64')}:` })
const faultWith = (text: string) => ({ fault: expect.stringContaining(text) })

describe('the certificate of the handshake', () => {
  test('counts when it comes from a CA of ours, though the file does not name its root', async () => {
    expect(await seen(shop)).toEqual(shown)
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'counts under %s, and again when the session is resumed',
    async (version) => {
      const { cert, key } = shop
      const options = { cert, key, minVersion: version, maxVersion: version }
      let session: Buffer | undefined
      for (const resumed of [false, true]) {
        const socket = await openTls(server.port, { ...options, ...(session && { session }) })
        expect(await askOn(socket)).toContain(shop.fingerprint)
        expect(socket.isSessionReused()).toBe(resumed)
        session = socket.getSession()
        socket.destroy()
      }
    },
  )

  test('is none when none was shown', async () => {
    expect(await seen()).toBeNull()
  })

  test.each<[string, MadeCertificate, string]>([
    ['a CA that only has the name of ours', sender([[['CN', 'shop.example']]], { by: strangers }), 'SHA-256'],
    ['another CA of the same root', sender([[['CN', 'shop.example']]], { by: root }), 'UNABLE_TO'],
    ['nobody but itself', makeCertificate({ subject: [[['CN', 'shop.example']]] }), 'SELF_SIGNED'],
    ['a sender who plays the CA', sender([[['CN', 'shop.example']]], { by: shop }), 'does not come from'],
  ])('does not count from %s', async (_whom, certificate, told) => {
    expect(await seen(certificate)).toEqual(faultWith('does not come from TLS_CLIENT_CA'))
    expect(await seen(certificate)).toEqual(faultWith(told))
  })

  test('does not count when it has ended or not begun', async () => {
    const ended = sender([[['CN', 'ended']]], { to: new Date('2021-01-01') })
    expect(await seen(ended)).toEqual(faultWith('CERT_HAS_EXPIRED'))
    const early = sender([[['CN', 'early']]], { from: new Date('2110-01-01') })
    expect(await seen(early)).toEqual(faultWith('CERT_NOT_YET_VALID'))
  })

  test.each([
    ['', ''],
    [', shown with the whole chain', issuing.cert + root.cert],
  ])('counts from a CA below ours%s', async (_how, above) => {
    const below = makeAuthority('Division', issuing)
    const certificate = sender([[['CN', 'below']]], { by: below })
    expect(await seen({ ...certificate, cert: certificate.cert + below.cert + above })).toMatchObject({
      commonName: 'below',
    })
  })

  test('ends on a connection that began before', async () => {
    const { cert, key } = sender([[['CN', 'short']]], { to: new Date('2100-01-01') })
    const socket = await openTls(server.port, { cert, key })
    for (const [time, text] of [
      ['2100-01-01', '"commonName":"short"'],
      ['2100-01-02', 'counts from 2020-01-01T00:00:00.000Z to 2100-01-01T00:00:00.000Z only'],
    ] as const) {
      now = new Date(time)
      expect(await askOn(socket)).toContain(text)
    }
    socket.destroy()
  })

  test('is found on no plain connection, and on none that is gone', () => {
    const evidence = { socket: new Socket(), socketAddress: undefined, header: () => undefined }
    expect(clientCertificateOf(evidence, NOBODY, NOW)).toBeUndefined()
  })
})

describe('the header of a proxy', () => {
  test('counts from a trusted proxy', async () => {
    trust = trusting('127.0.0.0/8')
    expect(await seen(undefined, inHeader(shop))).toEqual(shown)
  })

  test('of a stranger is ignored', async () => {
    trust = trusting('10.0.0.0/8')
    expect(await seen(undefined, inHeader(shop))).toBeNull()
    const own = sender([[['CN', 'own']]])
    expect(await seen(own, inHeader(shop))).toMatchObject({ commonName: 'own' })
  })

  test('is the only thing that counts from a trusted proxy, whatever the proxy shows of itself', async () => {
    trust = trusting('127.0.0.1')
    expect(await seen(shop)).toBeNull()
    expect(await seen(shop, { 'client-cert': ' ' })).toBeNull()
    trust = { ...trust, header: '' }
    expect(await seen(shop, inHeader(shop))).toEqual(faultWith('CLIENT_CERT_HEADER is not set'))
  })

  test('counts under its name only', async () => {
    trust = { ...trusting('127.0.0.1'), header: 'x-client-cert' }
    expect(await seen(undefined, inHeader(shop))).toBeNull()
  })

  test('is another for each sender on one connection', async () => {
    trust = trusting('127.0.0.1')
    const other = sender([[['CN', 'other']]])
    const socket = new Socket()
    const seenIn = (certificate: MadeCertificate | undefined) =>
      clientCertificateOf(
        {
          socket,
          socketAddress: '127.0.0.1',
          header: () => certificate && inHeader(certificate)['client-cert'],
        },
        trust,
        NOW,
      )
    for (const certificate of [shop, other, other, undefined, shop])
      expect(seenIn(certificate)).toEqual(
        certificate && expect.objectContaining({ fingerprint: certificate.fingerprint }),
      )
  })

  test('does not count when its certificate has ended or not begun', async () => {
    trust = trusting('127.0.0.1')
    const ended = sender([[['CN', 'ended']]], { to: new Date('2021-01-01') })
    expect(await seen(undefined, inHeader(ended))).toEqual(faultWith('to 2021-01-01T00:00:00.000Z only'))
    const early = sender([[['CN', 'early']]], { from: new Date('2110-01-01') })
    expect(await seen(undefined, inHeader(early))).toEqual(faultWith('from 2110-01-01T00:00:00.000Z'))
  })

  test('that cannot be read is a fault', async () => {
    trust = trusting('127.0.0.1')
    expect(await seen(shop, { 'client-cert': 'nonsense' })).toEqual(faultWith('is none'))
  })
})

describe('a certificate fits', () => {
  const required = (fingerprints: string[], subjects: string[]) => ({ fingerprints, subjects })
  const misfit = faultWith('is not one that this integration names')

  test('where none is asked for, whatever was shown', () => {
    for (const any of [undefined, { fault: 'x' }, shown]) expect(fitsCertificate(null, any)).toBe(true)
  })

  test('by its fingerprint alone', () => {
    expect(fitsCertificate(required(['0'.repeat(64), shown.fingerprint], []), shown)).toBe(true)
    expect(fitsCertificate(required(['0'.repeat(64)], []), shown)).toEqual(misfit)
    expect(fitsCertificate(required([shown.fingerprint.slice(0, -1)], []), shown)).toEqual(misfit)
  })

  test.each(['shop.example', 'CN=shop.example,O=Shop\\, Inc.', 'cn = shop.example, o = Shop\\2C Inc.'])(
    'by its subject %j',
    (subject) => {
      expect(fitsCertificate(required([], ['other', subject]), shown)).toBe(true)
      expect(fitsCertificate(required(['0'.repeat(64)], [subject]), shown)).toBe(true)
    },
  )

  test.each([
    'Shop.example',
    'shop.example ',
    'example',
    'Shop, Inc.',
    'CN=shop.example',
    'O=Shop\\, Inc.',
    'CN=shop.example,O=Shop, Inc.',
    'CN=shop.example,O=Shop\\',
    '',
  ])('not by %j', (subject) => {
    expect(fitsCertificate(required([], [subject]), shown)).toEqual(misfit)
  })

  test('not when none was shown, and not when it does not count', () => {
    expect(fitsCertificate(required([shown.fingerprint], []), undefined)).toEqual({
      fault: 'no client certificate was shown',
    })
    expect(fitsCertificate(required([shown.fingerprint], []), { fault: 'ended' })).toEqual({ fault: 'ended' })
  })

  test('not when it has no subject that can be read', () => {
    const nameless: ShownCertificate = { fingerprint: 'f', subject: '', commonName: undefined }
    for (const subject of ['undefined', 'CN=', ' ', '=', 'CN=a'])
      expect(fitsCertificate(required([], [subject]), nameless)).toEqual(misfit)
  })

  test.each<[string, Subject]>([
    ['CN=good,O=Shop', [[['CN', 'CN=good,O=Shop']]]],
    ['CN=good,O=Shop', [[['CN', 'good,O=Shop']]]],
    [
      'CN=good,O=Shop',
      [
        [
          ['O', 'Shop'],
          ['CN', 'good'],
        ],
      ],
    ],
    ['CN=good,O=Shop', [[['O', 'Shop\nCN=good']]]],
    ['good', [[['CN', 'good']], [['CN', 'bad']]]],
    ['good', [[['CN', 'good\0.bad']]]],
    ['good', [[['CN', 'bad\nCN=good']]]],
    ['good', [[['O', 'good']]]],
    ['good', [[['O', 'x,CN=good']]]],
  ])('not as %j when its subject only looks so: %j', async (wanted, subject) => {
    const certificate = sender(subject)
    const overTls = (await seen(certificate)) as ShownCertificate
    expect(overTls).toMatchObject({ fingerprint: certificate.fingerprint })
    expect(fitsCertificate(required([], [wanted]), overTls)).toEqual(misfit)
    trust = trusting('127.0.0.1')
    const inThere = (await seen(undefined, inHeader(certificate))) as ShownCertificate
    expect(inThere).toEqual(overTls)
  })

  test('as one name only, whatever the names are', () => {
    const name = anyText({ minLength: 1, maxLength: 10 }).filter((text) => text.isWellFormed())
    fc.assert(
      fc.property(name, name, (wanted, commonName) => {
        const certificate = { fingerprint: 'f', subject: `O=x`, commonName }
        const fits = fitsCertificate(required([], [wanted]), certificate) === true
        expect(fits).toBe(wanted === commonName && !/^ *[A-Za-z0-9.-]+ *=/.test(wanted))
      }),
    )
  })
})
