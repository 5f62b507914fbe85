export interface ContentType {
  /** `type/subtype` in lower case. */
  readonly type: string
  readonly charset: string | undefined
}

const FIELD_CHARS_MAX = 1_000
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"'
const TYPE = new RegExp(`^[ \\t]*(${TOKEN}/${TOKEN})[ \\t]*(?=;|$)`)
const PARAMETER = new RegExp(`;[ \\t]*(?:(${TOKEN})[ \\t]*=[ \\t]*(${TOKEN}|${QUOTED}))?[ \\t]*(?=;|$)`, 'y')

/**
 * Reads a `Content-Type` field as RFC 9110 8.3 writes it, with quoted values and empty parameters; blanks around
 * `=`, which old clients send, are let pass. Gives undefined when it is malformed or names two charsets.
 */
export function parseContentType(field: string): ContentType | undefined {
  if (field.length > FIELD_CHARS_MAX) return undefined
  const type = TYPE.exec(field)
  if (!type?.[1]) return undefined
  const charset = readCharset(field.slice(type[0].length))
  return charset === 'malformed' ? undefined : { type: type[1].toLowerCase(), charset: charset?.value }
}

function readCharset(rest: string): { value: string } | undefined | 'malformed' {
  let charset: { value: string } | undefined
  PARAMETER.lastIndex = 0
  while (PARAMETER.lastIndex < rest.length) {
    const found = PARAMETER.exec(rest)
    if (!found) return 'malformed'
    if (found[1]?.toLowerCase() !== 'charset') continue
    const value = unquote(found[2] ?? '')
    if (charset && charset.value.toLowerCase() !== value.toLowerCase()) return 'malformed'
    charset = { value }
  }
  return charset
}

function unquote(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value
}
