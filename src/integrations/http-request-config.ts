import { z } from 'zod'
import { managedHeader } from '../outbound/outbound.ts'
import { compileBodyTemplate, languageOf } from '../payload/body-template.ts'
import { compileTemplate } from '../payload/template.ts'
import { compileUrlTemplate } from '../payload/url-template.ts'
import { isXmlName } from '../payload/xml-names.ts'
import {
  authHeaders,
  authProblems,
  authSchema,
  type DestinationAuth,
  headerName,
  type PlacedProblem,
} from './destination-auth.ts'
import { certificateProblems, clientCertificateSchema } from './destination-certificate.ts'
import { VISIBLE } from './destination-secret.ts'
import { verdictFields, verdictProblems } from './destination-verdict.ts'

const templateText = z.string().max(8_000)

export const bodyTemplateSchema = z
  .strictObject({
    template: z.string().min(1).max(65_536),
    contentType: z.string().max(200).regex(VISIBLE, 'is not a content type'),
    language: z
      .enum(['json', 'xml', 'form', 'text'])
      .optional()
      .describe('how fields are written into it; that of the content type unless given'),
  })
  .describe('a template of the whole body, instead of a format')

export type BodyTemplateConfig = z.infer<typeof bodyTemplateSchema>

/** What an outgoing HTTP request is made from, to a destination as in the middle of a run. */
export const httpRequestFields = {
  method: z
    .enum(['POST', 'PUT', 'PATCH', 'DELETE', 'GET'])
    .default('POST')
    .describe('GET and DELETE send no body'),
  url: templateText.describe('a template; fields fill path, query and values, never scheme, host or port'),
  headers: z.record(headerName, templateText).default({}).describe('values are templates'),
  format: z.enum(['json', 'xml', 'form', 'text']).default('json'),
  xmlRoot: z.string().max(100).refine(isXmlName, 'is not a name that XML allows').optional(),
  body: bodyTemplateSchema.optional(),
  unknownFields: z
    .enum(['error', 'empty'])
    .default('error')
    .describe('what a field does that an item does not have, in each template'),
  auth: authSchema.default({ kind: 'none' }),
  clientCertificate: clientCertificateSchema.optional(),
  timeoutMs: z.int().min(100).max(120_000).default(30_000).describe('for one attempt as a whole'),
  success: verdictFields.success,
  retryOn: verdictFields.retryOn,
  deadOn: verdictFields.deadOn,
}

/** `original` only where there is a request that was received: at a destination. */
export type HttpRequestConfig = Omit<z.infer<z.ZodObject<typeof httpRequestFields>>, 'format'> & {
  format: z.infer<typeof httpRequestFields.format> | 'original'
}

/**
 * What no field shows by itself.
 *
 * @param ours names of headers, in lower case, that the request has with a meaning of its own
 */
export function httpRequestProblems(config: HttpRequestConfig, ours: ReadonlySet<string>): PlacedProblem[] {
  return [
    ...urlProblems(config),
    ...headerProblems(config, ours),
    ...bodyProblems(config),
    ...authHeaderProblems(config.auth, ours),
    ...authProblems(config.auth),
    ...certificateProblems(config.clientCertificate, config.url),
    ...verdictProblems(config),
  ]
}

function urlProblems({ url }: HttpRequestConfig): PlacedProblem[] {
  const compiled = compileUrlTemplate(url)
  return compiled.ok ? [] : [{ path: ['url'], message: compiled.message }]
}

function headerProblems(
  { headers, auth, body }: HttpRequestConfig,
  ours: ReadonlySet<string>,
): PlacedProblem[] {
  const problems: PlacedProblem[] = []
  if (Object.keys(headers).length > 50) problems.push({ path: ['headers'], message: 'more than 50 headers' })
  const set = new Map(authHeaders(auth).map(({ name }) => [name, 'is already set by auth']))
  if (body) set.set('content-type', 'is already set by body.contentType')
  for (const [written, template] of Object.entries(headers)) {
    const name = written.toLowerCase()
    const message = reservedProblem(name, ours) ?? set.get(name) ?? templateProblem(template)
    if (message) problems.push({ path: ['headers', written], message })
    set.set(name, 'is set twice')
  }
  return problems
}

function templateProblem(template: string): string | undefined {
  const compiled = compileTemplate(template)
  return compiled.ok ? undefined : compiled.message
}

function reservedProblem(name: string, ours: ReadonlySet<string>): string | undefined {
  if (managedHeader(name)) return 'is set by the connection itself and cannot be chosen'
  return ours.has(name) ? 'is set on every push and cannot be changed' : undefined
}

function bodyProblems({ method, body, format }: HttpRequestConfig): PlacedProblem[] {
  if (format === 'original') {
    if (body) return [{ path: ['body'], message: 'the original body is sent: leave body or "original" out' }]
    if (method === 'GET' || method === 'DELETE')
      return [{ path: ['format'], message: `a ${method} request sends no body` }]
  }
  if (!body) return []
  if (method === 'GET' || method === 'DELETE')
    return [{ path: ['body'], message: `a ${method} request sends no body` }]
  const compiled = compileBodyTemplate(body.template, body.language ?? languageOf(body.contentType))
  return compiled.ok ? [] : [{ path: ['body', 'template'], message: compiled.message }]
}

function authHeaderProblems(auth: DestinationAuth, ours: ReadonlySet<string>): PlacedProblem[] {
  return authHeaders(auth).flatMap(({ name, place }) => {
    const message = reservedProblem(name, ours)
    return message ? [{ path: place, message }] : []
  })
}
