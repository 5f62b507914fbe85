import { z } from 'zod'
import { certificates, clientCertificateSchema } from '../destination-certificate.ts'
import { checkedTemplate, everyKind, kindSchema, unknownFields } from './every-kind.ts'
import { optionalLoginSchema, serverFields, serverProblems } from './server.ts'

/** `shop@example.com` or `A shop <shop@example.com>`: one mailbox, and nothing that could become a header. */
const MAILBOX =
  /^(?:[^\u0000-\u001f\u007f<>",;:@\\()[\]]{0,100}<([^\s<>@,;:"\\()[\]]{1,64}@[^\s<>@,;:"\\()[\]]{1,253})>|([^\s<>@,;:"\\()[\]]{1,64}@[^\s<>@,;:"\\()[\]]{1,253}))$/

/** The address alone; undefined for what is not one mailbox. */
export function mailboxOf(text: string): string | undefined {
  const found = MAILBOX.exec(text)
  return found?.[1] ?? found?.[2]
}

const { host, port } = serverFields(587)

/** E-mails. */
export const smtpSchema = kindSchema({
  kind: z.literal('smtp'),
  host,
  port,
  tls: z
    .enum(['starttls', 'tls', 'none'])
    .default('starttls')
    .describe('starttls never falls back; none sends everything, the password too, in the clear'),
  ca: certificates
    .optional()
    .describe('authorities in PEM that the server is trusted by, beside those of the system'),
  clientCertificate: clientCertificateSchema.omit({ ca: true }).optional(),
  auth: optionalLoginSchema,
  from: z.string().regex(MAILBOX, 'is not one mailbox: shop@example.com or A shop <shop@example.com>'),
  to: z.array(checkedTemplate).min(1).max(50).describe('templates; each gives one mailbox'),
  cc: z.array(checkedTemplate).max(50).default([]),
  replyTo: checkedTemplate.optional(),
  subject: checkedTemplate.min(1),
  text: checkedTemplate
    .optional()
    .describe('a template; the item as JSON where neither text nor html is given'),
  html: checkedTemplate.optional().describe('a template; fields are escaped'),
  unknownFields,
  ...everyKind,
}).superRefine((config, context) => {
  const server = { ...config, tls: config.tls !== 'none' }
  for (const { path, message } of serverProblems(server)) context.addIssue({ code: 'custom', path, message })
  if (config.auth && config.auth.username === undefined)
    context.addIssue({ code: 'custom', path: ['auth', 'username'], message: 'is missing' })
})

export type SmtpConfig = z.infer<typeof smtpSchema>
