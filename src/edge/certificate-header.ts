/**
 * The forms in which proxies hand on the certificate that a client showed them. Whether the proxy is to be believed
 * is for the caller to know; here nothing is, and every fault is a value.
 */
import { readSubject } from '../integrations/integrations.ts'
import { splitFromRight } from './forwarded-header.ts'
import { type CertificateReading, namesOf, readDer } from './read-certificate.ts'

/**
 * Reads a header that holds one certificate: `:base64 DER:` (RFC 9440, `Client-Cert`), base64 DER, PEM that may be
 * URL-escaped (nginx, `$ssl_client_escaped_cert`), or the last element of Envoy's `X-Forwarded-Client-Cert`. Several
 * certificates in one of the first three forms are refused: nobody can say which of them the proxy wrote.
 */
export function readCertificateHeader(value: string): CertificateReading {
  const text = value.trim()
  const [last = ''] = splitFromRight(text, ',')
  if (/^(?:by|hash|cert|chain|subject|uri|dns)=/i.test(last)) return readElement(last)
  if (text.includes(',')) return { fault: 'the proxy handed on more than one client certificate' }
  if (text.startsWith(':')) return readBase64(/^:([^:]*):$/.exec(text)?.[1] ?? '')
  return text.includes('-----') || text.includes('%') ? readPem(text) : readBase64(text)
}

function readBase64(text: string): CertificateReading {
  return readDer(Buffer.from(/^[A-Za-z0-9+/]+={0,2}$/.test(text) ? text : '', 'base64'))
}

/** Apache writes blanks where the lines of the PEM ended. */
function readPem(text: string): CertificateReading {
  const pem = /^\s*-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----\s*$/.exec(unescapeUrl(text))
  return readBase64((pem?.[1] ?? '').replace(/\s+/g, ''))
}

function unescapeUrl(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/**
 * One element of X-Forwarded-Client-Cert. `Cert` says everything; without it `Hash` and `Subject` are taken, as Envoy
 * computed them from a certificate that it had checked. Envoy quotes the subject, and its backslashes are those of
 * the subject itself, so they are left for the reader of subjects.
 * Source: envoyproxy/envoy, docs/root/configuration/http/http_conn_man/headers.rst, x-forwarded-client-cert.
 */
function readElement(element: string): CertificateReading {
  const fields = readFields(element)
  if (!fields) return { fault: 'the element of X-Forwarded-Client-Cert cannot be read' }
  const hash = fields.get('hash')?.toLowerCase()
  const cert = fields.get('cert')
  if (cert !== undefined) {
    const reading = readPem(cert)
    const differs = 'fingerprint' in reading && hash !== undefined && hash !== reading.fingerprint
    return differs ? { fault: 'Hash and Cert of X-Forwarded-Client-Cert do not belong together' } : reading
  }
  if (hash === undefined || !/^[0-9a-f]{64}$/.test(hash))
    return { fault: 'X-Forwarded-Client-Cert has neither Cert nor a Hash' }
  return { fingerprint: hash, ...namesOf(readSubject(fields.get('subject') ?? '')), validity: undefined }
}

/** The fields that count; two of a name would be a forgery. Envoy does not quote the others, so they may be anything. */
function readFields(element: string): Map<string, string> | undefined {
  const fields = new Map<string, string>()
  for (const pair of splitFromRight(element, ';')) {
    const [name] = /^(?:hash|cert|subject)(?==)/i.exec(pair) ?? []
    if (name === undefined) continue
    const value = /^"((?:[^"\\]|\\.)*)"$|^[^"]*$/.exec(pair.slice(name.length + 1))
    const key = name.toLowerCase()
    if (!value || fields.has(key)) return undefined
    fields.set(key, value[1] ?? value[0])
  }
  return fields
}
