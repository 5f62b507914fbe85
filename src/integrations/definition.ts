import { z } from 'zod'
import { PAYLOAD_DEPTH_CEILING } from '../payload/body-limits.ts'
import { PRESETS, presetOf } from '../sources/sources.ts'
import { allowedHostsSchema } from './allowed-hosts.ts'
import { parseAllowlist } from './allowlist.ts'
import { looksLikeSubject, readSubject } from './certificate-subject.ts'
import { retrySchema } from './destination-retry.ts'
import { graphFaults, nodeSchema } from './nodes.ts'
import { pathSchema } from './payload-path.ts'
import { redactSchema } from './redact-config.ts'
import { hasNoContent } from './reply-status.ts'
import { respondSchema } from './respond-config.ts'

/** Entries of an allowlist; each problem names its entry. */
export const allowedListSchema = z
  .array(z.string().min(1).max(300))
  .max(10_000)
  .superRefine((entries, context) => {
    const reading = parseAllowlist(entries)
    if (!('errors' in reading)) return
    for (const message of reading.errors) context.addIssue({ code: 'custom', message })
  })

export const dedupeSchema = z.discriminatedUnion('by', [
  z.strictObject({
    by: z.literal('header'),
    header: z.string().min(1).max(64),
    windowSeconds: windowSeconds(),
  }),
  z.strictObject({
    by: z.literal('fields'),
    fields: z.array(pathSchema).min(1).max(20),
    windowSeconds: windowSeconds(),
  }),
  z.strictObject({ by: z.literal('body'), windowSeconds: windowSeconds() }),
])

/** Which certificate a sender shows: by its SHA-256 fingerprint or its subject; one that fits is enough. */
const clientCertificateSchema = z
  .strictObject({
    fingerprints: z
      .array(z.string().regex(/^[0-9a-f]{64}$/, 'SHA-256 of the certificate, 64 lower-case hex digits'))
      .max(20)
      .default([]),
    subjects: z
      .array(
        z
          .string()
          .min(1)
          .max(1_000)
          .refine(
            (text) => !looksLikeSubject(text) || readSubject(text) !== undefined,
            'cannot be read as a subject; write it as openssl x509 -noout -subject -nameopt RFC2253 prints it',
          ),
      )
      .max(20)
      .default([])
      .describe('common name, or the whole subject as CN=…,O=… (RFC 4514)'),
  })
  .refine(({ fingerprints, subjects }) => fingerprints.length + subjects.length > 0, 'names no certificate')

const replySchema = z
  .strictObject({
    status: z.int().min(200).max(299).default(200),
    contentType: z
      .string()
      .regex(/^[\x21-\x7e][\x20-\x7e]{0,200}$/)
      .optional(),
    body: z.string().max(10_000).default(''),
  })
  .refine(({ status, body }) => body === '' || !hasNoContent(status), {
    path: ['body'],
    message: 'an answer with status 204 or 205 has no body: leave it empty, or choose another status',
  })

/** What is agreed with a sender, and what happens to its events: everything of an integration that has versions. */
export const definitionSchema = z
  .strictObject({
    source: z
      .enum([...PRESETS.keys()])
      .default('generic')
      .describe('the sending system; decides how its proof, its batches and its answers look'),
    allowedList: allowedListSchema.default([]),
    allowPublished: z
      .boolean()
      .default(false)
      .describe('also let the addresses in that the source publishes, where it does'),
    proof: z
      .record(z.string(), z.unknown())
      .nullable()
      .default(null)
      .describe('how the sender proves itself, as the source asks for it'),
    signedBody: z
      .enum(['decoded', 'encoded'])
      .default('decoded')
      .describe('which bytes a signature covers: the body after its Content-Encoding was undone, or before'),
    clientCertificate: clientCertificateSchema.nullable().default(null),
    onUnproven: z
      .enum(['refuse', 'quarantine'])
      .default('refuse')
      .describe('quarantine: accept what is wrongly signed, and hold it until an operator releases it'),
    publicUrl: z
      .url({ protocol: /^https?$/ })
      .max(2_000)
      .optional()
      .describe('the address as typed at the source, where it is not the webhookUrl'),
    reply: replySchema
      .nullable()
      .default(null)
      .describe("the answer to accepted events, instead of the source's own"),
    retryStatus: z
      .int()
      .min(400)
      .max(599)
      .optional()
      .describe('the status that asks to come again later, instead of that of the source'),
    limits: z
      .strictObject({
        bodyBytesMax: z
          .int()
          .min(1)
          .max(32 * 1024 * 1024)
          .optional(),
        depthMax: z.int().min(1).max(PAYLOAD_DEPTH_CEILING).optional(),
        keysMax: z.int().min(1).max(10_000_000).optional(),
        requestsPerSecondMax: z.number().positive().max(100_000).optional(),
      })
      .default({}),
    split: z
      .union([pathSchema, z.literal(false)])
      .nullable()
      .default(null)
      .describe(
        'path of an array of which each element becomes an event; "" is the body itself. With [] all arrays that it ' +
          'reaches, as in stores[].orders, and a single value is an array of one. false never splits, null does as ' +
          'the source does',
      ),
    alwaysList: z
      .array(pathSchema)
      .max(1_000)
      .default([])
      .describe('paths of an XML body that are lists even when they occur once'),
    dedupe: z
      .union([dedupeSchema, z.literal(false)])
      .nullable()
      .default(null)
      .describe('what makes two events the same; false for nothing, null as the source tells them apart'),
    respond: respondSchema
      .nullable()
      .default(null)
      .describe('an answer from what the nodes gave, for a sender that waits for it'),
    retry: retrySchema
      .nullable()
      .default(null)
      .describe('when a run is made again that a time-out, a failed call or a crash ended; null for never'),
    allowedHosts: allowedHostsSchema,
    redact: redactSchema
      .nullable()
      .default(null)
      .describe('headers and payload fields that are not shown, or not even written down'),
    contentDays: z
      .int()
      .min(1)
      .max(3_650)
      .nullable()
      .default(null)
      .describe(
        'so long after its receipt what an ended event carried is erased; its ids, states and times stay until ' +
          'RETENTION_DAYS. null: it stays as long as they do',
      ),
    nodes: z.array(nodeSchema).min(1).max(100),
  })
  .superRefine(({ nodes, respond }, context) => {
    for (const message of graphFaults(nodes)) context.addIssue({ code: 'custom', path: ['nodes'], message })
    if (respond?.node !== undefined && !nodes.some(({ id }) => id === respond.node))
      context.addIssue({ code: 'custom', path: ['respond', 'node'], message: 'there is no such node' })
  })
  .transform((definition, context) => ({ ...definition, proof: readProof(definition, context) }))

export type Definition = z.infer<typeof definitionSchema>
export type Dedupe = z.infer<typeof dedupeSchema>

/** The proof as the preset of the source reads it: with its defaults, and faults at their place. */
function readProof(
  { source, proof }: { source: string; proof: Record<string, unknown> | null },
  context: z.RefinementCtx,
): Record<string, unknown> | null {
  if (proof === null) return null
  const { title, proof: rules } = presetOf(source)
  if (!rules) {
    context.addIssue({
      code: 'custom',
      path: ['proof'],
      message: `${title} has no way to prove itself: leave it null`,
    })
    return null
  }
  const read = rules.schema.safeParse(proof)
  if (read.success) return read.data as Record<string, unknown>
  for (const { path, message } of read.error.issues)
    context.addIssue({ code: 'custom', path: ['proof', ...path], message })
  return null
}

function windowSeconds() {
  return z
    .int()
    .min(1)
    .max(90 * 86_400)
    .default(86_400)
}
