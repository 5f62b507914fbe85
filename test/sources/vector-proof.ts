/** How what a vector says of its secret becomes the proof of an integration, and what a proof may use beside it. */
import { X509Certificate } from 'node:crypto'
import { isStandardSecret } from '../../src/sources/schemes/standard-webhooks-keys.ts'
import { PRESETS, type ProofTools } from '../../src/sources/sources.ts'
import type { Vector } from './vectors.ts'

/**
 * The proof with which an integration would receive this vector, as its preset's schema reads it; null where the
 * source has no way to prove itself.
 *
 * @throws ProofRefused where the preset's schema does not take what was made of the secret, Error where there is no
 * such preset.
 */
export function proofOf(vector: Vector): unknown {
  const given = givenProof(vector)
  const schema = PRESETS.get(vector.source)?.proof?.schema
  if (given === null || !schema) return null
  const read = schema.safeParse(given)
  if (read.success) return read.data
  throw new ProofRefused(
    `${vector.id}: ${JSON.stringify(given)} is no proof of ${vector.source}: ${read.error.message}`,
  )
}

/** The same as an operator would type it, unread. @throws Error where there is no such preset. */
export function givenProof(vector: Vector): Given | null {
  const preset = PRESETS.get(vector.source)
  if (!preset) throw new Error(`${vector.id}: there is no preset "${vector.source}"`)
  if (!preset.proof) return null
  return vector.proof ?? (GIVEN[vector.source] ?? plainProof)(vector)
}

export interface VectorTools extends ProofTools {
  /** Every address that was asked for. */
  readonly asked: string[]
}

/** Documents and certificates as far as the vector tells them; every other address has nothing. */
export function toolsOf({ secret, pinned }: Vector): VectorTools {
  const documents = documentsIn(secret)
  const asked: string[] = []
  return {
    asked,
    async fetchText(url) {
      asked.push(url)
      return documents.get(url)
    },
    rootCertificates: [...documents.values()].filter((text) => text.includes('BEGIN CERTIFICATE')),
    pinned: pinned ?? (isPinned(secret) ? secret : undefined),
  }
}

/** What a vector asks for is not to be had: its preset does not take such a proof, and so would an integration not. */
export class ProofRefused extends Error {}

type Given = Record<string, unknown>

/** What differs from a list of secrets. What a vector leaves open is read from its headers. */
const GIVEN: Readonly<Record<string, (vector: Vector) => Given>> = {
  tilby: () => ({}),
  shopctrl: (vector) => basicProof(vector) ?? hmacProof(vector),
  generic: (vector) => basicProof(vector) ?? genericProof(vector),
  'magento-mageplaza': (vector) =>
    basicProof(vector) ?? {
      scheme: 'header',
      header: secretHeader(vector),
      secrets: secretsOf(vector.secret),
    },
  woocommerce: (vector) => ({
    ...plainProof(vector),
    algorithm: vector.headers['x-wc-webhook-signature']?.length === 88 ? 'sha512' : 'sha256',
  }),
  'standard-webhooks': (vector) => ({
    ...plainProof(vector),
    secretIs: secretsOf(vector.secret).every(({ secret }) => isStandardSecret(String(secret)))
      ? 'base64'
      : 'text',
    headerPrefix: 'svix-signature' in vector.headers ? 'svix-' : 'webhook-',
  }),
  'lightspeed-x-series': (vector) => ({
    ...plainProof(vector),
    encoding: /^signature=[0-9a-f]{64}\b/i.test(vector.headers['x-signature'] ?? '') ? 'hex' : 'base64',
  }),
  hubspot: (vector) => ({
    ...plainProof(vector),
    versions: [
      'x-hubspot-signature-v3' in vector.headers
        ? 'v3'
        : (vector.headers['x-hubspot-signature-version'] ?? 'v3'),
    ],
  }),
  'adobe-commerce-webhooks': ({ secret }) => ({
    publicKeys: listOf(secret).map((key) => ({ secret: fieldOf(key, 'publicKeyPem') ?? key })),
  }),
  'adobe-io-events': ({ secret }) => ({
    clientId: fieldOf(secret, 'clientId') ?? secret,
    keyHost: new URL(keyOriginOf(secret)).host,
  }),
  paypal: ({ secret }) => ({
    webhookId: fieldOf(secret, 'webhookId') ?? secret,
    certificateNames: testNames([...documentsIn(secret).values()]),
  }),
}

function plainProof({ secret }: Vector): Given {
  return { secrets: secretsOf(secret) }
}

function secretsOf(secret: unknown): { secret: unknown }[] {
  if (Array.isArray(secret)) return secret.flatMap(secretsOf)
  if (typeof secret !== 'object' || secret === null) return [{ secret }]
  if ('secret' in secret) return [{ ...secret, secret: secret.secret }]
  const [only, ...others] = Object.values(secret)
  // Whatever its one field is called, it can only be the secret.
  return [others.length === 0 ? { secret: only } : { ...secret, secret: undefined }]
}

function basicProof({ secret }: Vector): Given | undefined {
  const users = listOf(secret).filter(isUser)
  if (users.length === 0) return undefined
  return { scheme: 'basic', users: users.map(({ username, password }) => ({ username, secret: password })) }
}

/** An HMAC as found in the headers: the one that looks like a signature, in the form that it has there. */
function hmacProof(vector: Vector): Given {
  const header = signatureHeader(vector)
  const value = header === undefined ? '' : (vector.headers[header] ?? '')
  const [, prefix = '', digest = ''] = /^([A-Za-z0-9_-]{1,12}=(?=[A-Za-z0-9+/]))?(.*)$/.exec(value) ?? []
  const isHex = /^[0-9a-f]{40,128}$/i.test(digest)
  const bytes = isHex ? digest.length / 2 : Buffer.from(digest, 'base64').length
  return {
    scheme: 'hmac',
    header: header ?? 'x-signature',
    secrets: secretsOf(vector.secret),
    algorithm: bytes === 64 ? 'sha512' : bytes === 20 ? 'sha1' : 'sha256',
    encoding: isHex ? 'hex' : 'base64',
    prefix,
  }
}

function genericProof(vector: Vector): Given {
  const { headers, secret, url, query } = vector
  if (signatureHeader(vector) !== undefined) return hmacProof(vector)
  const secrets = secretsOf(secret)
  if (/^bearer /i.test(headers.authorization ?? '')) return { scheme: 'bearer', secrets }
  const parameters = new URLSearchParams(query ?? url?.split('?')[1] ?? '')
  const parameter = [...parameters.keys()].find((name) => /token|secret|key/i.test(name))
  if (parameter !== undefined) return { scheme: 'query', parameter, secrets }
  return { scheme: 'header', header: secretHeader(vector), secrets }
}

function signatureHeader({ headers }: Vector): string | undefined {
  return Object.keys(headers).find((name) => /signature|hmac|digest|hash/i.test(name))
}

/** The header whose value is the secret, or the one that is named like it. */
function secretHeader({ headers, secret }: Vector): string {
  const known = secretsOf(secret).map((one) => one.secret)
  const names = Object.keys(headers)
  return (
    names.find((name) => known.includes(headers[name])) ??
    names.find((name) => /secret|token|key|auth/i.test(name)) ??
    'x-webhook-secret'
  )
}

function keyOriginOf(secret: unknown): string {
  const origin = fieldOf(secret, 'keyOrigin')
  return typeof origin === 'string' ? origin : 'https://static.adobeioevents.com'
}

/** By their addresses. */
function documentsIn(secret: unknown): Map<string, string> {
  const keys = Object.entries(fieldOf(secret, 'keysByPath') ?? {})
  const certificates = Object.entries(fieldOf(secret, 'certsByUrl') ?? {})
  const origin = keyOriginOf(secret)
  const documents = [...keys.map(([path, key]) => [`${origin}${path}`, key] as const), ...certificates]
  return new Map(documents.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

/**
 * Test certificates are made out to a name that nobody has, in the place of PayPal's domain. Any other name is that of
 * a certificate which is not PayPal's, and leaves it at the names that are.
 */
function testNames(pems: readonly string[]): string[] | undefined {
  const names = pems.map(commonName).filter((name) => name?.startsWith('messageverificationcerts.'))
  return names.length === 0 ? undefined : names.map(String)
}

function commonName(pem: string): string | undefined {
  try {
    return /^CN=(.*)$/m.exec(new X509Certificate(pem).subject)?.[1]
  } catch {
    return undefined
  }
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value]
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function isUser(secret: unknown): secret is { username: string; password: string } {
  return fieldOf(secret, 'username') !== undefined && fieldOf(secret, 'password') !== undefined
}

function isPinned(secret: unknown): secret is Record<string, string> {
  return fieldOf(secret, 'environment_id') !== undefined
}
