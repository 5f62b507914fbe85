import { z } from 'zod'
import type { Message } from '../message.ts'
import { type Coverage, definePreset } from '../preset.ts'
import { usersSchema, verifyBasic } from '../schemes/basic.ts'
import { verifyHmac } from '../schemes/hmac.ts'
import { readTimestamp, timeFault } from '../schemes/timestamp.ts'
import { headerNameSchema, verifyToken } from '../schemes/token.ts'
import { secretsSchema } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'

const PLACES = /\{(?:body|timestamp|method|url)\}/g

const hmacSchema = z
  .strictObject({
    scheme: z.literal('hmac').describe('A header carries an HMAC'),
    header: headerNameSchema,
    secrets: secretsSchema,
    algorithm: z.enum(['sha256', 'sha512', 'sha1']).default('sha256'),
    encoding: z.enum(['base64', 'hex']).default('base64'),
    prefix: z.string().max(64).default('').describe('what stands before the digest, such as sha256='),
    signedText: z
      .string()
      .max(500)
      .regex(/\{body\}/, 'must contain {body}')
      .default('{body}')
      .describe('what is signed, with {body}, {timestamp}, {method} and {url} in their places'),
    timestampHeader: headerNameSchema
      .optional()
      .describe('carries the timestamp: Unix seconds, or milliseconds from 13 digits on'),
    toleranceSeconds: z.int().min(1).max(86_400).default(300).describe('how far a timestamp may be from now'),
  })
  .refine(
    ({ signedText, timestampHeader }) =>
      signedText.includes('{timestamp}') === (timestampHeader !== undefined),
    {
      path: ['timestampHeader'],
      message: 'goes together with {timestamp} in signedText: a timestamp that is not signed proves nothing',
    },
  )

const proofSchema = z.discriminatedUnion('scheme', [
  hmacSchema,
  z.strictObject({
    scheme: z.literal('header').describe('A header carries the secret as it is'),
    header: headerNameSchema,
    secrets: secretsSchema,
  }),
  z.strictObject({ scheme: z.literal('basic').describe('HTTP Basic'), users: usersSchema }),
  z.strictObject({
    scheme: z.literal('bearer').describe('Authorization: Bearer <secret>'),
    secrets: secretsSchema,
  }),
  z.strictObject({
    scheme: z.literal('query').describe('A parameter of the address carries the secret as it is'),
    parameter: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/),
    secrets: secretsSchema,
  }),
])

type Proof = z.infer<typeof proofSchema>
type HmacProof = z.infer<typeof hmacSchema>

export const preset = definePreset<Proof>({
  name: 'generic',
  title: 'Any other system',
  setup: 'Enter the webhook address, and choose here how the system proves itself.',
  proof: {
    schema: proofSchema,
    covers: coverageOf,
    signedBy: [],
    secretsIn(proof) {
      if (proof.scheme === 'header') return { headers: [proof.header.toLowerCase()] }
      return proof.scheme === 'query' ? { parameters: [proof.parameter.toLowerCase()] } : {}
    },
    verify(proof, message) {
      const at = message.receivedAt
      switch (proof.scheme) {
        case 'hmac':
          return verifySignature(proof, message)
        case 'header':
          return verifyGiven(message.header(proof.header.toLowerCase()), proof.header, proof.secrets, at)
        case 'basic':
          return verifyBasic(message.header('authorization'), proof.users, at)
        case 'bearer': {
          const token = /^bearer +(\S+)$/i.exec(message.header('authorization') ?? '')?.[1]
          return verifyGiven(token, 'Authorization: Bearer', proof.secrets, at)
        }
        case 'query':
          return verifyGiven(
            onlyParameter(message, proof.parameter),
            `?${proof.parameter}=`,
            proof.secrets,
            at,
          )
      }
    },
  },
})

function coverageOf(proof: Proof): Coverage {
  if (proof.scheme !== 'hmac') return { body: 'nothing', headers: [], url: false }
  return {
    body: 'bytes',
    headers: proof.timestampHeader === undefined ? [] : [proof.timestampHeader.toLowerCase()],
    url: proof.signedText.includes('{url}'),
  }
}

function verifyGiven(
  given: string | undefined,
  place: string,
  secrets: Parameters<typeof verifyToken>[1],
  at: Date,
): Verdict {
  return given === undefined ? unproven('header_missing', place) : verifyToken(given, secrets, at)
}

/** A parameter that is given twice is read differently by different programs, so it counts as absent. */
function onlyParameter({ query }: Message, name: string): string | undefined {
  const values = query.getAll(name)
  return values.length === 1 ? values[0] : undefined
}

function verifySignature(proof: HmacProof, message: Message): Verdict {
  const given = message.header(proof.header.toLowerCase())
  if (given === undefined) return unproven('header_missing', proof.header)
  if (!given.startsWith(proof.prefix))
    return unproven('malformed', `${proof.header} does not begin with ${proof.prefix}`)
  const timestamp = proof.timestampHeader && message.header(proof.timestampHeader.toLowerCase())
  if (proof.timestampHeader !== undefined && timestamp === undefined)
    return unproven('header_missing', proof.timestampHeader)
  const verdict = verifyHmac({
    secrets: proof.secrets,
    signatures: [given.slice(proof.prefix.length)],
    body: message.body,
    signed: (body) =>
      fill(proof.signedText, { body, timestamp: timestamp ?? '', method: message.method, url: message.url }),
    at: message.receivedAt,
    form: { algorithm: proof.algorithm, encoding: proof.encoding },
  })
  if (!verdict.proven || timestamp === undefined) return verdict
  const signedMs = readTimestamp(timestamp, timestamp.length >= 13 ? 'milliseconds' : 'seconds')
  if (signedMs === undefined) return unproven('malformed', `${proof.timestampHeader} is no Unix time`)
  const tolerance = { pastSeconds: proof.toleranceSeconds, futureSeconds: proof.toleranceSeconds }
  return timeFault(signedMs, message.receivedAt, tolerance) ?? verdict
}

function fill(
  template: string,
  values: { body: Buffer; timestamp: string; method: string; url: string },
): (string | Buffer)[] {
  const chunks: (string | Buffer)[] = []
  let at = 0
  for (const place of template.matchAll(PLACES)) {
    chunks.push(template.slice(at, place.index), values[place[0].slice(1, -1) as keyof typeof values])
    at = place.index + place[0].length
  }
  return [...chunks, template.slice(at)]
}
