import { isUtf8 } from 'node:buffer'
import { sameText } from '../compare.ts'
import type { Secret } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'

/** A larger body is not tried in other forms: a wrong signature must not cost many times a right one. */
const DIAGNOSED_BYTES_MAX = 65_536

/**
 * Why a signature is wrong, where that can be told: the right digest in another encoding, or the right secret over
 * the body as it was before something on the way wrote it anew.
 */
export function diagnose(
  signatures: readonly string[],
  body: Buffer,
  encoding: 'base64' | 'hex',
  secrets: readonly Secret[],
  digestOf: (secret: Secret, body: Buffer) => Buffer,
): Verdict | undefined {
  if (body.length > DIAGNOSED_BYTES_MAX) return undefined
  for (const secret of secrets) {
    const written = writtenForms(digestOf(secret, body), encoding)
    for (const [name, text] of written) {
      if (signatures.some((given) => sameText(given, text)))
        return unproven('wrong_encoding', `${name} instead of ${encoding}`)
    }
  }
  return diagnoseBody(body, (form) =>
    secrets.some((secret) => {
      const expected = digestOf(secret, form).toString(encoding)
      return signatures.some((given) => sameText(given, expected))
    }),
  )
}

/** The fault of a body that fits its signature in the form that it had before something on the way wrote it anew. */
export function diagnoseBody(body: Buffer, fits: (form: Buffer) => boolean): Verdict | undefined {
  if (body.length > DIAGNOSED_BYTES_MAX) return undefined
  const found = formsOf(body).find(([, form]) => fits(form))
  return found && unproven('body_changed', found[0])
}

function writtenForms(digest: Buffer, encoding: 'base64' | 'hex'): [name: string, text: string][] {
  const hex = digest.toString('hex')
  const forms: [string, string][] = [
    ['hex', hex],
    ['upper-case hex', hex.toUpperCase()],
    ['base64', digest.toString('base64')],
    ['base64 without padding', digest.toString('base64').replace(/=+$/, '')],
    ['base64url', digest.toString('base64url')],
    ['base64 of the hex text', Buffer.from(hex).toString('base64')],
  ]
  return forms.filter(([name]) => name !== encoding)
}

/** Forms in which frameworks and proxies write a JSON body anew, and what they add or cut. */
function formsOf(body: Buffer): [name: string, body: Buffer][] {
  if (!isUtf8(body)) return []
  const text = body.toString()
  const forms: [string, string][] = [
    ['blanks around it were cut or added', text.trim()],
    ['a line end was cut', `${text}\n`],
    ['line ends were changed', text.replace(/\r?\n/g, '\r\n')],
    ['line ends were changed', text.replaceAll('\r\n', '\n')],
  ]
  try {
    const value: unknown = JSON.parse(text)
    const compact = JSON.stringify(value)
    const php = compact
      .replaceAll('/', '\\/')
      .replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    forms.push(
      ['its JSON was written anew', compact],
      ['its JSON was written anew', compact.replaceAll('/', '\\/')],
      ['its JSON was written anew', php],
      ['its JSON was written anew', JSON.stringify(value, null, 2)],
    )
  } catch {
    // No JSON, so nobody wrote it anew as such.
  }
  return forms.filter(([, form]) => form !== text).map(([name, form]) => [name, Buffer.from(form)])
}
