import { randomBytes } from 'node:crypto'

/** Begins every secret that is planted, and stands nowhere else. */
const TAG = 'hushhush'

/** Secrets whose form leaves no room for the tag, and whose they are. */
const others = new Map<string, string>()

/** A secret that no other field has. */
export function plant(): string {
  return `${TAG}${randomBytes(12).toString('hex')}`
}

/** `whsec_` and 24 bytes, with the tag in the base64. */
export function plantStandardSecret(): string {
  return `whsec_${TAG}${randomBytes(12).toString('hex')}`
}

/** Looks for this one too. */
export function plantAsItIs(secret: string, what: string): string {
  others.set(secret, what)
  return secret
}

/** A key in PEM is looked for by a piece of it: it may be written in one line or in several. */
export function plantPem(pem: string, what: string): string {
  const [, middle = ''] = pem.split('\n')
  plantAsItIs(middle.slice(4, 60), what)
  return pem
}

/** As a secret looks in the encodings that programs put it into. */
function formsOf(text: string): string[] {
  const bytes = Buffer.from(text)
  const inBase64 = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // The first and last characters hold bits of what stands beside it.
    return encoded.slice(before === 0 ? 0 : before + 1, -1)
  })
  return [text, bytes.toString('hex'), ...inBase64]
}

const CONTEXT_CHARS = 80

/** Every place of a text where a planted secret stands, with what is around it. */
export function leaksIn(where: string, text: string): string[] {
  const sought = [...formsOf(TAG).map((form) => [form, 'a planted secret'] as const), ...others]
  return sought.flatMap(([form, what]) => {
    const at = text.indexOf(form)
    if (at === -1) return []
    const around = text.slice(Math.max(0, at - CONTEXT_CHARS), at + form.length + CONTEXT_CHARS)
    return [`${where}: ${what} in …${around}…`]
  })
}
