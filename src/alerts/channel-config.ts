import { isIP } from 'node:net'
import { z } from 'zod'
import { MASKED } from '../integrations/integrations.ts'

const NO_CONTROL = /^[^\u0000-\u001f\u007f]*$/
const oneLine = z.string().min(1).max(1_000).regex(NO_CONTROL, 'contains a control character')

/** One address or name, as it stands in a header: `ops@shop.example` or `Sluice <sluice@shop.example>`. */
const mailbox = z
  .string()
  .max(320)
  .regex(
    /^(?:[^<>@,;:"\u0000-\u001f\u007f]{0,200} ?<[^\s<>@,;:"]+@[^\s<>@,;:"]+>|[^\s<>@,;:"]+@[^\s<>@,;:"]+)$/,
    'is no e-mail address',
  )

const host = z
  .string()
  .max(253)
  .refine((text) => isIP(text) > 0 || /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(text), {
    message: 'is no host name or address',
  })

const url = z
  .string()
  .max(2_000)
  .refine((text) => text === MASKED || isPlainUrl(text), 'is not an absolute http or https URL')

const email = z
  .strictObject({
    kind: z.literal('email'),
    host: host.describe('the SMTP server'),
    port: z.int().min(1).max(65_535).default(587),
    tls: z
      .enum(['starttls', 'tls', 'none'])
      .default('starttls')
      .describe('starttls: after the greeting (587); tls: from the first byte (465); none: not encrypted'),
    ca: z
      .string()
      .max(100_000)
      .optional()
      .describe('PEM certificates that are trusted beside the usual ones'),
    username: oneLine.optional(),
    password: oneLine.optional(),
    from: mailbox,
    to: z.array(mailbox).min(1).max(50),
    failedAttempts: z
      .boolean()
      .default(false)
      .describe(
        'also one mail for each failed attempt, with the body of the request, and a last one when tries run out',
      ),
  })
  .superRefine(({ username, password, tls }, context) => {
    const fault = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if ((username === undefined) !== (password === undefined))
      fault('password', 'username and password go together')
    if (username !== undefined && tls === 'none') fault('tls', 'a password is only sent over TLS')
  })

const webhook = z.strictObject({
  kind: z.literal('webhook'),
  url: url.describe('gets JSON by POST, signed as Standard Webhooks say'),
  secret: z
    .string()
    .max(200)
    .refine(
      (text) => text === MASKED || isStandardSecret(text),
      'is not whsec_ and the base64 of 24 to 64 bytes',
    ),
})

const slack = z.strictObject({
  kind: z.literal('slack'),
  url: url.describe('an incoming webhook of Slack, Mattermost and others; it is a secret by itself'),
})

/** Where and how a channel tells. Secrets are plain text here. */
export const channelConfigSchema = z.discriminatedUnion('kind', [email, webhook, slack])

export type ChannelConfig = z.infer<typeof channelConfigSchema>
export type ChannelKind = ChannelConfig['kind']
export type ConfigOf<Kind extends ChannelKind> = Extract<ChannelConfig, { kind: Kind }>

/** Which fields of each kind nobody may read. */
const SECRETS: Record<ChannelKind, readonly string[]> = {
  email: ['password'],
  webhook: ['secret'],
  slack: ['url'],
}

/** The config with each of its secrets changed. */
export function mapSecrets(
  config: ChannelConfig,
  change: (secret: string, field: string) => string,
): ChannelConfig {
  const secrets = SECRETS[config.kind]
  const entries = Object.entries(config).map(([field, value]) => [
    field,
    secrets.includes(field) && typeof value === 'string' ? change(value, field) : value,
  ])
  return Object.fromEntries(entries) as ChannelConfig
}

export function maskChannel(config: ChannelConfig): ChannelConfig {
  return mapSecrets(config, () => MASKED)
}

/**
 * Puts back the secrets that a change gave as they were shown. A server that was changed gets none of them: whoever may
 * change a channel could otherwise have its password sent to themselves.
 *
 * @returns the fields whose secret has to be given.
 */
export function keepChannelSecrets(
  change: ChannelConfig,
  before: ChannelConfig | undefined,
): { config: ChannelConfig; missing: string[] } {
  const known = before && placeOf(before) === placeOf(change) ? (before as Record<string, unknown>) : {}
  const missing: string[] = []
  const config = mapSecrets(change, (secret, field) => {
    if (secret !== MASKED) return secret
    const kept = known[field]
    if (typeof kept === 'string') return kept
    missing.push(field)
    return secret
  })
  return { config, missing }
}

/** Where a secret is shown. A URL that is a secret has no other place, and a signature gives its key away to nobody. */
function placeOf(config: ChannelConfig): string {
  if (config.kind !== 'email') return config.kind
  return JSON.stringify([config.kind, config.host, config.port, config.tls, config.username, config.ca])
}

function isPlainUrl(text: string): boolean {
  if (/[\u0000-\u0020\u007f#]/.test(text) || !URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === ''
}

/** Source: Standard Webhooks, spec/standard-webhooks.md, "Signature scheme". */
function isStandardSecret(text: string): boolean {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1]
  if (encoded === undefined) return false
  const { length } = Buffer.from(encoded, 'base64')
  return length >= 24 && length <= 64
}
