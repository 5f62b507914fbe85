import { z } from 'zod'
import { managedHeader } from '../outbound/outbound.ts'
import { compileTemplate } from '../payload/template.ts'
import { compileUrlTemplate } from '../payload/url-template.ts'
import { isXmlName } from '../payload/xml-names.ts'
import { isSealed } from '../platform/sealing.ts'

/** Headers that every push carries with a meaning of its own (see the README); a destination cannot change them. */
const OURS = new Set(['idempotency-key', 'webhook-id', 'sluice-attempt'])

const templateText = z.string().max(8_000)
const headerName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'is not a header name')

const SECRET_LENGTH_MAX = 4_000
/** 4,000 characters of four bytes, in base64 with what sealing adds. */
const SEALED_LENGTH_MAX = 22_000

/** A config is read from the database before its secrets are opened, so a sealed text has a limit of its own. */
function secret(allowed: RegExp, problem: string) {
  return z
    .string()
    .refine((text) => text.length <= (isSealed(text) ? SEALED_LENGTH_MAX : SECRET_LENGTH_MAX), {
      message: `is longer than ${SECRET_LENGTH_MAX} characters`,
      abort: true,
    })
    .regex(allowed, problem)
}

const NO_CONTROL = /^[^\u0000-\u001f\u007f]*$/
const VISIBLE = /^[\u0021-\u007e]([\u0020-\u007e]*[\u0021-\u007e])?$/

const authSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({
    kind: z.literal('basic'),
    username: z
      .string()
      .max(255)
      .regex(NO_CONTROL, 'contains a control character')
      .refine((name) => !name.includes(':'), 'a user name cannot contain a colon'),
    password: secret(NO_CONTROL, 'contains a control character'),
  }),
  z.strictObject({
    kind: z.literal('bearer'),
    token: secret(
      /^[\u0021-\u007e]+$/,
      'is empty or contains a space, a control character or a letter beyond ASCII',
    ),
  }),
  z.strictObject({
    kind: z.literal('apiKey'),
    in: z.enum(['header', 'query']),
    name: headerName.describe('name of the header or of the query parameter'),
    value: secret(VISIBLE, 'is empty, or contains a control character or a letter beyond ASCII'),
  }),
])

const retrySchema = z
  .strictObject({
    triesMax: z.int().min(1).max(100).default(12).describe('attempts in all, the first one included'),
    firstDelayMs: z.int().min(100).max(86_400_000).default(10_000),
    factor: z.number().min(1).max(10).default(3),
    delayMaxMs: z.int().min(100).max(604_800_000).default(21_600_000),
  })
  .prefault({})

/** Where and how deliveries are sent. With the default retries the last of twelve tries is a good day after the first. */
export const destinationConfigSchema = z
  .strictObject({
    kind: z.literal('http'),
    method: z
      .enum(['POST', 'PUT', 'PATCH', 'DELETE', 'GET'])
      .default('POST')
      .describe('GET and DELETE send no body'),
    url: templateText.describe('a template; fields fill path, query and values, never scheme, host or port'),
    headers: z.record(headerName, templateText).default({}).describe('values are templates'),
    format: z.enum(['json', 'xml', 'form']).default('json'),
    xmlRoot: z.string().max(100).refine(isXmlName, 'is not a name that XML allows').optional(),
    auth: authSchema.default({ kind: 'none' }),
    timeoutMs: z.int().min(100).max(120_000).default(30_000).describe('for one attempt as a whole'),
    success: z
      .array(z.union([z.literal('2xx'), z.int().min(200).max(499)]))
      .min(1)
      .max(50)
      .default(['2xx'])
      .describe('statuses that count as delivered'),
    retry: retrySchema,
    concurrencyMax: z
      .int()
      .min(1)
      .max(1_000)
      .optional()
      .describe('attempts under way at once, all workers together; gives the destination a lane of its own'),
  })
  .superRefine((config, context) => {
    for (const { path, message } of problemsOf(config)) context.addIssue({ code: 'custom', path, message })
  })

export type DestinationConfig = z.infer<typeof destinationConfigSchema>

export interface ConfigProblem {
  /** `headers.x-shop`, `auth.token` */
  path: string
  message: string
}

/** Reads a destination config as it comes from the API; all problems at once, none of them showing a secret. */
export function checkDestination(
  input: unknown,
): { ok: true; config: DestinationConfig } | { ok: false; problems: ConfigProblem[] } {
  const read = destinationConfigSchema.safeParse(input)
  if (read.success) return { ok: true, config: read.data }
  const problems = read.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  return { ok: false, problems }
}

interface Problem {
  path: string[]
  message: string
}

interface Checked {
  url: string
  headers: Record<string, string>
  auth: z.infer<typeof authSchema>
}

function problemsOf(config: Checked): Problem[] {
  return [...urlProblems(config), ...headerProblems(config), ...apiKeyProblems(config.auth)]
}

function urlProblems({ url }: Checked): Problem[] {
  const compiled = compileUrlTemplate(url)
  return compiled.ok ? [] : [{ path: ['url'], message: compiled.message }]
}

function headerProblems({ headers, auth }: Checked): Problem[] {
  const problems: Problem[] = []
  if (Object.keys(headers).length > 50) problems.push({ path: ['headers'], message: 'more than 50 headers' })
  const seen = new Set<string>()
  for (const [name, template] of Object.entries(headers)) {
    const message = headerProblem(name.toLowerCase(), auth, seen) ?? templateProblem(template)
    if (message) problems.push({ path: ['headers', name], message })
    seen.add(name.toLowerCase())
  }
  return problems
}

function headerProblem(name: string, auth: Checked['auth'], seen: Set<string>): string | undefined {
  if (seen.has(name)) return 'is set twice'
  return reservedProblem(name) ?? (authHeader(auth) === name ? 'is already set by auth' : undefined)
}

function templateProblem(template: string): string | undefined {
  const compiled = compileTemplate(template)
  return compiled.ok ? undefined : compiled.message
}

function reservedProblem(name: string): string | undefined {
  if (managedHeader(name)) return 'is set by the connection itself and cannot be chosen'
  return OURS.has(name) ? 'is set on every push and cannot be changed' : undefined
}

function authHeader(auth: Checked['auth']): string | undefined {
  if (auth.kind === 'none') return undefined
  if (auth.kind !== 'apiKey') return 'authorization'
  return auth.in === 'header' ? auth.name.toLowerCase() : undefined
}

function apiKeyProblems(auth: Checked['auth']): Problem[] {
  if (auth.kind !== 'apiKey' || auth.in !== 'header') return []
  const message = reservedProblem(auth.name.toLowerCase())
  return message ? [{ path: ['auth', 'name'], message }] : []
}
