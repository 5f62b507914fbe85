import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Settings } from '../platform/settings.ts'
import { certificatesIn, trustAnchors } from './trust-anchors.ts'

export type TlsSettings = Pick<Settings, 'TLS_CERT' | 'TLS_KEY' | 'TLS_CLIENT_CA'>

/** What HTTPS is spoken with, as text in PEM. */
export interface TlsFiles {
  cert: string
  key: string
  /** The CAs that client certificates may come from; undefined when none is asked for. */
  clientCa: string | undefined
}

/** `files` is undefined when HTTP is spoken. Each problem and warning begins with the setting that it is about. */
export type TlsReading = { files: TlsFiles | undefined; warnings: string[] } | { problems: string[] }

/** Reads a file as text. @throws what node:fs throws */
export type ReadText = (path: string) => string

/** Reads and checks the files of TLS_CERT, TLS_KEY and TLS_CLIENT_CA; all that is wrong with them is told together. */
export function readTls(settings: TlsSettings, readText: ReadText, now: Date): TlsReading {
  const problems = combinationProblems(settings)
  const cert = readFile('TLS_CERT', settings.TLS_CERT, readText, problems)
  const key = readFile('TLS_KEY', settings.TLS_KEY, readText, problems)
  const clientCa = readFile('TLS_CLIENT_CA', settings.TLS_CLIENT_CA, readText, problems)
  const certificate =
    cert === undefined ? undefined : readChain(cert, settings.TLS_CERT, 'TLS_CERT', problems)
  const privateKey = key === undefined ? undefined : readKey(key, settings.TLS_KEY, problems)
  if (clientCa !== undefined) readChain(clientCa, settings.TLS_CLIENT_CA, 'TLS_CLIENT_CA', problems)
  if (certificate && privateKey && !certificate.checkPrivateKey(privateKey))
    problems.push(
      `TLS_KEY: the key in ${settings.TLS_KEY} does not belong to the certificate in ${settings.TLS_CERT}`,
    )
  if (problems.length > 0) return { problems }
  if (cert === undefined || key === undefined) return { files: undefined, warnings: [] }
  const files = { cert, key, clientCa }
  const refusal = refusedByTls(files)
  if (refusal !== undefined)
    return { problems: [`TLS_CERT: ${settings.TLS_CERT} cannot be used: ${refusal}`] }
  return { files, warnings: certificate ? timeWarnings(certificate, settings.TLS_CERT, now) : [] }
}

function combinationProblems({ TLS_CERT, TLS_KEY, TLS_CLIENT_CA }: TlsSettings): string[] {
  const problems: string[] = []
  if (TLS_CERT !== '' && TLS_KEY === '') problems.push('TLS_KEY is required with TLS_CERT')
  if (TLS_CERT === '' && TLS_KEY !== '') problems.push('TLS_CERT is required with TLS_KEY')
  if (TLS_CERT === '' && TLS_KEY === '' && TLS_CLIENT_CA !== '')
    problems.push(
      'TLS_CLIENT_CA needs TLS_CERT and TLS_KEY: certificates are shown over HTTPS only; behind a proxy that ends HTTPS set CLIENT_CERT_HEADER',
    )
  return problems
}

function readFile(setting: string, path: string, readText: ReadText, problems: string[]): string | undefined {
  if (path === '') return undefined
  try {
    return readText(path)
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    problems.push(`${setting}: ${path} ${UNREADABLE[code] ?? `cannot be read: ${message}`}`)
    return undefined
  }
}

const UNREADABLE: Record<string, string> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a folder, not a file',
}

/** The first certificate, which is the server's own; all of them must be readable. */
function readChain(
  pem: string,
  path: string,
  setting: string,
  problems: string[],
): X509Certificate | undefined {
  try {
    const [first] = certificatesIn(pem)
    if (!first) problems.push(`${setting}: ${path} holds no certificate in PEM form`)
    return first
  } catch {
    problems.push(`${setting}: ${path} holds a certificate that cannot be read`)
    return undefined
  }
}

function readKey(pem: string, path: string, problems: string[]): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    // OpenSSL's error differs from one version to the next.
    const isLocked = pem.includes('ENCRYPTED')
    problems.push(
      isLocked
        ? `TLS_KEY: the key in ${path} has a passphrase; Sluice needs one without`
        : `TLS_KEY: ${path} holds no private key in PEM form`,
    )
    return undefined
  }
}

/** What only OpenSSL knows, such as a key that is too short. */
function refusedByTls({ cert, key, clientCa }: TlsFiles): string | undefined {
  try {
    createSecureContext({ cert, key, ...(clientCa !== undefined && { ca: trustAnchors(clientCa) }) })
    return undefined
  } catch (error) {
    const { message, reason } = error as Error & { reason?: string }
    return reason ?? message
  }
}

function timeWarnings({ validFromDate, validToDate }: X509Certificate, path: string, now: Date): string[] {
  if (validToDate < now) return [`TLS_CERT: the certificate in ${path} ended on ${validToDate.toJSON()}`]
  if (validFromDate > now) return [`TLS_CERT: the certificate in ${path} begins on ${validFromDate.toJSON()}`]
  return []
}
