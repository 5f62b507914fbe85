import { isUtf8 } from 'node:buffer'
import { readJson } from '../../payload/read-json.ts'
import { sameText } from '../compare.ts'
import type { Secret } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'

/** A larger body is not tried in other forms: a wrong signature must not cost many times a right one. */
const DIAGNOSED_BYTES_MAX = 65_536
/** Nobody has proven anything yet, and each level indents all that is in it: a deeper body would be written out at many times its length. */
const REWRITTEN_LIMITS = { depthMax: 20, keysMax: 5_000 }

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
  // What is no JSON nobody wrote anew as such.
  if (readJson(text, REWRITTEN_LIMITS).ok)
    forms.push(
      ...jsonForms(JSON.parse(text)).map((form): [string, string] => ['its JSON was written anew', form]),
    )
  return forms.filter(([, form]) => form !== text).map(([name, form]) => [name, Buffer.from(form)])
}

function jsonForms(value: unknown): string[] {
  const compact = JSON.stringify(value)
  const slashed = compact.replaceAll('/', '\\/')
  const php = slashed.replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return [compact, slashed, php, JSON.stringify(value, null, 2)]
}
