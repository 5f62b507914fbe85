import { z } from 'zod'
import { isHidden, NO_CONTROL, renewedSecrets, secretText, VISIBLE } from './destination-secret.ts'

/** Also the name of a query parameter: what is legal in both. */
export const headerName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'is not a header name')

const NOT_VISIBLE = 'is empty, or contains a control character or a letter beyond ASCII'
const visibleSecret = secretText((text) => VISIBLE.test(text), NOT_VISIBLE)

const basic = z.strictObject({
  kind: z.literal('basic'),
  username: z
    .string()
    .max(255)
    .regex(NO_CONTROL, 'contains a control character')
    .refine((name) => !name.includes(':'), 'a user name cannot contain a colon'),
  password: secretText((text) => NO_CONTROL.test(text), 'contains a control character'),
})

const bearer = z.strictObject({
  kind: z.literal('bearer'),
  token: secretText(
    (text) => /^[\u0021-\u007e]+$/.test(text),
    'is empty or contains a space, a control character or a letter beyond ASCII',
  ),
})

const apiKey = z.strictObject({
  kind: z.literal('apiKey'),
  in: z.enum(['header', 'query']),
  name: headerName.describe('name of the header or of the query parameter'),
  value: visibleSecret,
})

const header = z.strictObject({
  kind: z.literal('header'),
  header: headerName,
  secrets: renewedSecrets(visibleSecret).describe('the active one with the latest activeFrom is sent'),
})

/** What a signed text may hold. */
export const SIGNED_FIELDS = ['body', 'timestamp', 'id', 'method', 'url'] as const

const hmac = z.strictObject({
  kind: z.literal('hmac'),
  algorithm: z.enum(['sha1', 'sha256', 'sha384', 'sha512']).default('sha256'),
  header: headerName.describe('carries the signature'),
  encoding: z.enum(['hex', 'base64', 'base64url']).default('hex').describe('of the signature'),
  prefix: z
    .string()
    .max(200)
    .regex(/^([\u0021-\u007e][\u0020-\u007e]*)?$/, 'contains what no header can carry')
    .default('')
    .describe('stands before the signature, as sha256=; may hold {timestamp} and {id}'),
  signedText: z
    .string()
    .min(1)
    .max(1_000)
    .default('{body}')
    .describe(`may hold ${SIGNED_FIELDS.map((name) => `{${name}}`).join(', ')}`),
  timestampHeader: headerName.optional(),
  timestampFormat: z.enum(['seconds', 'milliseconds', 'iso']).default('seconds'),
  secretEncoding: z
    .enum(['text', 'hex', 'base64'])
    .default('text')
    .describe('how the key is written in each secret'),
  secrets: renewedSecrets(secretText((text) => text.length > 0, 'is empty')).describe(
    'the active one with the latest activeFrom signs',
  ),
})

const standardWebhooks = z.strictObject({
  kind: z.literal('standardWebhooks'),
  secrets: renewedSecrets(
    secretText(isStandardSecret, 'is not whsec_ and the base64 of 24 to 64 bytes'),
  ).describe('each active one signs'),
})

const oauth2 = z.strictObject({
  kind: z.literal('oauth2'),
  tokenUrl: z
    .string()
    .max(2_000)
    .refine(isPlainUrl, 'is not an absolute http or https URL without user, password and #'),
  clientId: z.string().min(1).max(1_000).regex(NO_CONTROL, 'contains a control character'),
  secret: secretText(
    (text) => text.length > 0 && NO_CONTROL.test(text),
    'is empty or contains a control character',
  ).describe('of the client'),
  authentication: z
    .enum(['basic', 'body'])
    .default('basic')
    .describe('where id and secret of the client are sent to the token URL'),
  scope: z.string().min(1).max(2_000).regex(NO_CONTROL, 'contains a control character').optional(),
  audience: z.string().min(1).max(2_000).regex(NO_CONTROL, 'contains a control character').optional(),
})

export const authSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  basic,
  bearer,
  apiKey,
  header,
  hmac,
  standardWebhooks,
  oauth2,
])

export type DestinationAuth = z.infer<typeof authSchema>

export interface PlacedProblem {
  path: string[]
  message: string
}

/** The names of the headers that an auth sets, in lower case, with the place where each is named. */
export function authHeaders(auth: DestinationAuth): { name: string; place: string[] }[] {
  switch (auth.kind) {
    case 'none':
      return []
    case 'basic':
    case 'bearer':
    case 'oauth2':
      return [{ name: 'authorization', place: ['auth'] }]
    case 'apiKey':
      return auth.in === 'header' ? [{ name: auth.name.toLowerCase(), place: ['auth', 'name'] }] : []
    case 'header':
      return [{ name: auth.header.toLowerCase(), place: ['auth', 'header'] }]
    case 'standardWebhooks':
      return ['webhook-timestamp', 'webhook-signature'].map((name) => ({ name, place: ['auth'] }))
    case 'hmac':
      return [
        { name: auth.header.toLowerCase(), place: ['auth', 'header'] },
        ...(auth.timestampHeader === undefined
          ? []
          : [{ name: auth.timestampHeader.toLowerCase(), place: ['auth', 'timestampHeader'] }]),
      ]
  }
}

/** What no field shows by itself. */
export function authProblems(auth: DestinationAuth): PlacedProblem[] {
  if (auth.kind !== 'hmac') return []
  return [...signedTextProblems(auth), ...keyProblems(auth)]
}

type Hmac = Extract<DestinationAuth, { kind: 'hmac' }>

function signedTextProblems({ header, signedText, prefix, timestampHeader }: Hmac): PlacedProblem[] {
  const problems: PlacedProblem[] = []
  const add = (place: string, message: string) => problems.push({ path: ['auth', place], message })
  for (const name of namesIn(signedText))
    if (!SIGNED_FIELDS.some((field) => field === name))
      add('signedText', `{${name}} is nothing that can be signed`)
  for (const name of namesIn(prefix))
    if (name !== 'timestamp' && name !== 'id') add('prefix', `{${name}} cannot stand in a prefix`)
  const told = timestampHeader !== undefined || namesIn(prefix).includes('timestamp')
  if (namesIn(signedText).includes('timestamp') && !told)
    add('timestampHeader', 'the signed {timestamp} is not sent: name its header, or put it into the prefix')
  if (timestampHeader?.toLowerCase() === header.toLowerCase())
    add('timestampHeader', 'is the header of the signature')
  return problems
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
}

function keyProblems({ secretEncoding, secrets }: Hmac): PlacedProblem[] {
  if (secretEncoding === 'text') return []
  return [...secrets.entries()]
    .filter(([, { secret }]) => !isHidden(secret) && !isEncoded(secret, secretEncoding))
    .map(([at]) => ({
      path: ['auth', 'secrets', String(at), 'secret'],
      message: `is not written in ${secretEncoding}`,
    }))
}

function isEncoded(text: string, encoding: 'hex' | 'base64'): boolean {
  const bytes = Buffer.from(text, encoding)
  if (bytes.length === 0) return false
  if (encoding === 'hex') return bytes.toString('hex') === text.toLowerCase()
  return bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')
}

/** Source: Standard Webhooks, spec/standard-webhooks.md, "Signature scheme". */
function isStandardSecret(text: string): boolean {
  if (!text.startsWith('whsec_')) return false
  const encoded = text.slice('whsec_'.length)
  const bytes = Buffer.from(encoded, 'base64').length
  return isEncoded(encoded, 'base64') && bytes >= 24 && bytes <= 64
}

function isPlainUrl(text: string): boolean {
  if (/[\u0000-\u0020\u007f#]/.test(text) || !URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === ''
}
