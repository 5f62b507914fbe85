/** A whole gateway that speaks HTTPS itself, and integrations that ask for certificates. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import path from 'node:path'
import { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Gateway, startGateway } from '../../src/cli/gateway.ts'
import { definitionSchema } from '../../src/integrations/integrations.ts'
import { findFreePort } from '../../src/platform/embedded-postgres/free-port.ts'
import { newId, newIntegrationId } from '../../src/platform/ids.ts'
import { readSettings } from '../../src/platform/settings.ts'
import { ADMIN_KEY } from '../world/api.ts'
import { type MadeCertificate, makeAuthority, makeCertificate } from '../world/certificates.ts'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { testSettings } from '../world/gateway.ts'
import { askHttps, type HttpsAnswer, makeServerCertificate, openTls } from '../world/https.ts'
import { ACCEPTED, askAt } from './world.ts'

const authority = makeAuthority('Senders')
const own = makeServerCertificate()
const shop = senderOf('shop.example')
const lines: string[] = []
const opened: { close(): Promise<void> }[] = []
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(inject('scratch'), 'https-'))
})
afterAll(async () => {
  for (const one of opened.reverse()) await one.close()
})

function senderOf(commonName: string, by = authority): MadeCertificate {
  return makeCertificate({ subject: [[['O', 'Shop']], [['CN', commonName]]], by })
}

async function open(env: Record<string, string>): Promise<Gateway> {
  const database = await freshDatabase()
  const log = pino({ level: 'trace', base: null }, { write: (line) => void lines.push(line) })
  const settings = readSettings(testSettings(database.url, { env }))
  const gateway = await startGateway({ settings, role: 'edge', log })
  opened.push({ close: database.drop }, gateway)
  return gateway
}

async function openHttps(name: string, more: Record<string, string> = {}): Promise<Gateway> {
  const fileOf = (what: string) => path.join(folder, `${name}-${what}.pem`)
  const files = { TLS_CERT: fileOf('cert'), TLS_KEY: fileOf('key'), TLS_CLIENT_CA: fileOf('ca') }
  await Promise.all([
    writeFile(files.TLS_CERT, own.cert),
    writeFile(files.TLS_KEY, own.key),
    writeFile(files.TLS_CLIENT_CA, authority.cert),
  ])
  return open({ ...files, ...more })
}

/** The path of a new integration. */
async function integrationIn({ integrations }: Gateway, definition: object): Promise<string> {
  const application = {
    id: newId(),
    slug: `shop-${newId()}`,
    name: 'shop',
    webhooksEnabled: true,
    allowedList: [],
  }
  await integrations.saveApplication(application)
  const id = newIntegrationId()
  await integrations.saveIntegration({
    id,
    applicationId: application.id,
    name: 'orders',
    enabled: true,
    definition: definitionSchema.parse({ nodes: [{ id: 'keep', kind: 'transform' }], ...definition }),
  })
  return `/integration/${id}`
}

function send(
  { port }: Gateway,
  target: string,
  showing?: MadeCertificate,
  headers: Record<string, string> = {},
): Promise<HttpsAnswer> {
  const shown = showing && { cert: showing.cert, key: showing.key }
  const json = { 'content-type': 'application/json', ...headers }
  return askHttps(port, { method: 'POST', path: target, headers: json, ...shown })
}

/** Under TLS 1.2 the request for a certificate can be read by everybody, and names the CAs. */
async function isAskedForCertificate(port: number): Promise<boolean> {
  const plain = connect(port, '127.0.0.1')
  const heard: Buffer[] = []
  const tapped = new Duplex({
    read() {},
    write: (chunk, _encoding, done) => void plain.write(chunk, () => done()),
  })
  plain.on('data', (chunk) => {
    heard.push(chunk)
    tapped.push(chunk)
  })
  await once(plain, 'connect')
  const socket = await openTls(port, { socket: tapped, maxVersion: 'TLSv1.2' })
  socket.destroy()
  plain.destroy()
  return Buffer.concat(heard).includes(authority.signer.name)
}

const REFUSED = {
  status: 403,
  body: '{"result":false,"error":"The client certificate is missing or is not the one agreed on"}',
}

/** What the operator reads of the last request. */
async function note(): Promise<string> {
  return eventually(() => {
    const line = lines.findLast((text) => text.includes('"wrong_certificate"'))
    if (line === undefined) throw new Error('no such line in the log')
    return JSON.parse(line).note
  })
}

describe('a gateway with TLS_CERT', () => {
  let gateway: Gateway
  beforeAll(async () => {
    gateway = await openHttps('plain')
  })

  test('takes webhooks over HTTPS, and says that it is there', async () => {
    expect(gateway.url).toBe(`https://127.0.0.1:${gateway.port}`)
    const open = await integrationIn(gateway, {})
    expect(await send(gateway, open)).toEqual(ACCEPTED)
    expect(await send(gateway, open, shop)).toEqual(ACCEPTED)
    expect(await send(gateway, open, senderOf('any', makeAuthority('Strangers')))).toEqual(ACCEPTED)
  })

  test('is found to be well by the health check of the image', async () => {
    const dockerfile = await readFile(new URL('../../Dockerfile', import.meta.url), 'utf8')
    const [, ...args] = JSON.parse(
      /HEALTHCHECK[\s\S]*?CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]',
    ) as string[]
    const check = (env: Record<string, string>) => promisify(execFile)(process.execPath, args, { env })
    const PORT = String(gateway.port)
    await expect(check({ PORT, TLS_CERT: 'any' })).resolves.toBeDefined()
    await expect(check({ PORT })).rejects.toThrow('Command failed')
  })

  test('takes none over HTTP', async () => {
    const open = await integrationIn(gateway, {})
    await expect(askAt(gateway.port, open, { body: '{}' })).rejects.toThrow()
  })
})

describe('an integration that asks for a certificate', () => {
  let gateway: Gateway
  let byFingerprint: string
  let bySubject: string
  let byName: string
  beforeAll(async () => {
    gateway = await openHttps('asking')
    const asking = (clientCertificate: object) => integrationIn(gateway, { clientCertificate })
    byFingerprint = await asking({ fingerprints: [shop.fingerprint] })
    bySubject = await asking({ subjects: ['CN=shop.example,O=Shop'] })
    byName = await asking({ subjects: ['shop.example'] })
  })
  const all = () => [byFingerprint, bySubject, byName]

  test('takes webhooks with it', async () => {
    for (const target of all()) expect(await send(gateway, target, shop)).toEqual(ACCEPTED)
  })

  test('refuses those without any, before their body is read', async () => {
    for (const target of all()) expect(await send(gateway, target)).toEqual(REFUSED)
    expect(await note()).toBe('no client certificate was shown')
    const socket = await openTls(gateway.port)
    socket.write(`POST ${byName} HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n`)
    const [answer] = await once(socket, 'data')
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 403 /)
    socket.destroy()
  })

  test('refuses those with the same subject from another CA', async () => {
    const forged = senderOf('shop.example', makeAuthority('Senders'))
    for (const target of all()) expect(await send(gateway, target, forged)).toEqual(REFUSED)
    expect(await note()).toContain('does not come from TLS_CLIENT_CA')
  })

  test('refuses another certificate of the right CA', async () => {
    const other = senderOf('other.example')
    for (const target of all()) expect(await send(gateway, target, other)).toEqual(REFUSED)
    expect(await note()).toContain('"CN=other.example,O=Shop"')
    const renewed = senderOf('shop.example')
    expect(await send(gateway, byFingerprint, renewed)).toEqual(REFUSED)
    expect(await send(gateway, bySubject, renewed)).toEqual(ACCEPTED)
    expect(await send(gateway, byName, renewed)).toEqual(ACCEPTED)
  })

  test('refuses one that has ended', async () => {
    const subject: [string, string][][] = [[['O', 'Shop']], [['CN', 'shop.example']]]
    const ended = makeCertificate({ subject, by: authority, to: new Date('2021-01-01') })
    for (const target of all()) expect(await send(gateway, target, ended)).toEqual(REFUSED)
    expect(await note()).toContain('CERT_HAS_EXPIRED')
  })

  test('believes no header', async () => {
    const header = { 'client-cert': `:${shop.der.toString('base64')}:` }
    for (const target of all()) expect(await send(gateway, target, undefined, header)).toEqual(REFUSED)
  })
})

describe('behind a proxy that ends TLS', () => {
  const header = { 'client-cert': `:${shop.der.toString('base64')}:`, 'content-type': 'application/json' }
  const headerOf = { CLIENT_CERT_HEADER: 'Client-Cert', FORWARDED_HEADER: 'x-forwarded-for' }
  const clientCertificate = { fingerprints: [shop.fingerprint] }

  test('the certificate is the one that the proxy hands on', async () => {
    const gateway = await open({ ...headerOf, TRUSTED_PROXIES: '127.0.0.0/8' })
    const target = await integrationIn(gateway, { clientCertificate })
    expect(gateway.url).toBe(`http://127.0.0.1:${gateway.port}`)
    const forwarded = { ...header, 'x-forwarded-for': '127.0.0.1' }
    expect(await askAt(gateway.port, target, { headers: forwarded, body: '{}' })).toMatchObject(ACCEPTED)
    const without = { ...forwarded, 'client-cert': '' }
    expect(await askAt(gateway.port, target, { headers: without, body: '{}' })).toMatchObject(REFUSED)
    const malformed = { ...forwarded, 'client-cert': 'nonsense' }
    expect(await askAt(gateway.port, target, { headers: malformed, body: '{}' })).toMatchObject(REFUSED)
  })

  test('and the same header of somebody else is ignored', async () => {
    const gateway = await open({ ...headerOf, TRUSTED_PROXIES: '10.0.0.0/8' })
    const target = await integrationIn(gateway, { clientCertificate })
    expect(await askAt(gateway.port, target, { headers: header, body: '{}' })).toMatchObject(REFUSED)
  })
})

describe('a port of its own for the API', () => {
  test('speaks HTTPS with the same certificate, and asks for no other', async () => {
    const gateway = await openHttps('admin', { ADMIN_PORT: String(await findFreePort()) })
    expect(gateway.adminPort).not.toBe(gateway.port)
    const headers = { authorization: `Bearer ${ADMIN_KEY}` }
    const options = { method: 'GET', path: '/api/v1/applications', headers }
    expect((await askHttps(gateway.adminPort, options)).status).toBe(200)
    expect(await isAskedForCertificate(gateway.port)).toBe(true)
    expect(await isAskedForCertificate(gateway.adminPort)).toBe(false)
  })
})

test('renewed files are taken up while connections go on', async () => {
  const gateway = await openHttps('renewed', { RELOAD_SECONDS: '1' })
  const before = await openTls(gateway.port)
  const next = makeServerCertificate('renewed')
  await writeFile(path.join(folder, 'renewed-cert.pem'), next.cert)
  await eventually(async () => {
    const socket = await openTls(gateway.port)
    const { subject } = socket.getPeerX509Certificate() ?? {}
    socket.destroy()
    expect(subject).toBe('CN=renewed')
  })
  before.write('GET /health/live HTTP/1.1\r\nhost: h\r\n\r\n')
  const [answer] = await once(before, 'data')
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /)
  before.destroy()
})
