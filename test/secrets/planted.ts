import { generateKeyPairSync } from 'node:crypto'
import { PRESETS } from '../../src/sources/sources.ts'
import { encrypted, makeClient } from '../outbound/tls-receiver.ts'
import { makeCertificate } from '../world/certificates.ts'
import { plant, plantAsItIs, plantPem, plantStandardSecret } from './leaks.ts'

/** A destination of each kind, and over HTTP of each auth, that has secrets wherever there is room for one. */
export function plantedDestinations(receiver: string, serverPort: number): Record<string, object> {
  const http = (path: string, more: object) => ({ kind: 'http', url: `${receiver}/${path}`, ...more })
  const server = { host: '127.0.0.1', port: serverPort, tls: false }
  const secrets = () => [
    { id: 'old', secret: plant() },
    { id: 'new', secret: plant() },
  ]
  const login = () => ({ username: 'sluice', password: plant() })
  const certificate = () => {
    const { cert, key } = makeClient('sluice')
    const passphrase = plant()
    return { cert, key: plantPem(encrypted(key, passphrase), 'a client key'), passphrase }
  }
  const overTls = { host: '127.0.0.1', port: serverPort }
  const table = { database: 'd', table: 't', columns: { a: '' } }
  return {
    basic: http('basic', { auth: { kind: 'basic', ...login() } }),
    bearer: http('bearer', { auth: { kind: 'bearer', token: plant() } }),
    keyInHeader: http('key-in-header', {
      auth: { kind: 'apiKey', in: 'header', name: 'x-pin', value: plant() },
    }),
    keyInQuery: http('key-in-query', { auth: { kind: 'apiKey', in: 'query', name: 'pin', value: plant() } }),
    header: http('header', { auth: { kind: 'header', header: 'x-pin', secrets: secrets() } }),
    hmac: http('hmac', { auth: { kind: 'hmac', header: 'x-signed', secrets: secrets() } }),
    standardWebhooks: http('standard', {
      auth: { kind: 'standardWebhooks', secrets: [{ secret: plantStandardSecret() }] },
    }),
    oauth2: http('oauth2', {
      auth: { kind: 'oauth2', tokenUrl: `${receiver}/token`, clientId: 'c', secret: plant() },
    }),
    oauth2InBody: http('oauth2-in-body', {
      auth: {
        kind: 'oauth2',
        tokenUrl: `${receiver}/token-refused`,
        clientId: 'c',
        secret: plant(),
        authentication: 'body',
      },
    }),
    byHand: http(`by-hand?access_token=${plant()}&page=1`, { headers: { 'X-Api-Key': plant() } }),
    overTls: { kind: 'http', url: `https://127.0.0.1:${serverPort}/tls`, clientCertificate: certificate() },
    postgres: { kind: 'postgres', ...overTls, ...table, auth: login(), clientCertificate: certificate() },
    mysql: {
      kind: 'mysql',
      ...overTls,
      host: 'localhost',
      ...table,
      auth: login(),
      clientCertificate: certificate(),
    },
    redis: { kind: 'redis', ...server, stream: 's', auth: login() },
    redisOverTls: { kind: 'redis', ...overTls, stream: 's', auth: login(), clientCertificate: certificate() },
    rabbitmq: {
      kind: 'rabbitmq',
      ...overTls,
      routingKey: 'q',
      auth: login(),
      clientCertificate: certificate(),
      headers: { 'x-token': plant() },
    },
    smtp: {
      kind: 'smtp',
      ...server,
      tls: 'none',
      from: 'a@b.example',
      to: ['c@d.example'],
      subject: 's',
      auth: login(),
    },
    smtpOverTls: {
      kind: 'smtp',
      ...overTls,
      tls: 'tls',
      from: 'a@b.example',
      to: ['c@d.example'],
      subject: 's',
      auth: login(),
      clientCertificate: certificate(),
    },
  }
}

const withSecrets = (proof: object = {}) => ({ ...proof, secrets: [{ secret: plant() }] })
const withUsers = (proof: object = {}) => ({ ...proof, users: [{ username: 'shop', secret: plant() }] })

/** The proofs of a source, one for each of its schemes; none where it has no secret. */
export function plantedProofs(source: string): object[] {
  const special = SPECIAL[source]
  if (special) return special()
  return PRESETS.get(source)?.proof ? [withSecrets()] : []
}

const SPECIAL: Record<string, () => object[]> = {
  generic: () => [
    withSecrets({ scheme: 'hmac', header: 'x-signed' }),
    withSecrets({ scheme: 'header', header: 'x-pin' }),
    withUsers({ scheme: 'basic' }),
    withSecrets({ scheme: 'bearer' }),
    withSecrets({ scheme: 'query', parameter: 'pin' }),
  ],
  shopctrl: () => [withSecrets({ scheme: 'hmac', header: 'x-signed' }), withUsers({ scheme: 'basic' })],
  'magento-mageplaza': () => [
    withSecrets({ scheme: 'header', header: 'x-pin' }),
    withUsers({ scheme: 'basic' }),
  ],
  'standard-webhooks': () => [{ secrets: [{ secret: plantStandardSecret() }] }],
  adyen: () => [
    withUsers({ secrets: [{ secret: plantAsItIs('5EC7E7'.repeat(10).concat('ABCD'), 'the key of Adyen') }] }),
  ],
  klarna: () => [{ secrets: [{ secret: plant(), keyId: 'key-1' }] }],
  'adobe-commerce-webhooks': () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    return [{ publicKeys: [{ secret: pem }] }]
  },
  'adobe-io-events': () => [],
  paypal: () => [],
  tilby: () => [],
}

/** Alert channels of every kind; those that are wrong fail, and say so. */
export function plantedChannels(receiver: string, mailPort: number, ca: string): Record<string, object> {
  const email = {
    kind: 'email',
    host: 'localhost',
    port: mailPort,
    tls: 'starttls',
    ca,
    from: 'a@b.example',
    to: ['c@d.example'],
  }
  return {
    wrongEmail: { ...email, username: 'sluice', password: plant(), failedAttempts: true },
    email: { ...email, username: 'sluice', password: MAIL_PASSWORD, failedAttempts: true },
    webhook: { kind: 'webhook', url: `${receiver}/alerts`, secret: plantStandardSecret() },
    slack: { kind: 'slack', url: `${receiver}/slack/${plant()}` },
  }
}

export const MAIL_PASSWORD = plant()

/** Key and certificate of a server, with which HTTPS would be spoken. */
export function plantedServer(): { cert: string; key: string } {
  const { cert, key } = makeCertificate({ subject: [[['CN', 'localhost']]], hosts: ['localhost'] })
  return { cert, key: plantPem(key, 'TLS_KEY') }
}
