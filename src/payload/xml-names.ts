/**
 * Names as XML 1.0 (fifth edition) has them, but for U+1680 and U+FEFF: XML lets them stand in a name, JavaScript takes
 * them for blanks, and a name that looks like two is refused.
 */
const NAME_START =
  ':A-Z_a-z\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u037D\\u037F-\\u167F\\u1681-\\u1FFF\\u200C\\u200D' +
  '\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFEFE\\uFF00-\\uFFFD'
const NAME_CHAR = `${NAME_START}\\-.0-9\\u00B7\\u0300-\\u036F\\u203F-\\u2040`

/**
 * Source of an expression (without flag `u`) that matches one name in well-formed text. Halves of U+10000 to U+EFFFF
 * are characters of their own here: under the flag, a name of millions of them fills the stack.
 */
export const XML_NAME = nameWith('\\uD800-\\uDB7F\\uDC00-\\uDFFF')

export const XML_NAME_CHARS_MAX = 1_000

const WHOLE_NAME = new RegExp(`^${nameWith('\\u{10000}-\\u{EFFFF}')}$`, 'u')

export function isXmlName(name: string): boolean {
  return name.length <= XML_NAME_CHARS_MAX && WHOLE_NAME.test(name)
}

function nameWith(astral: string): string {
  return `[${NAME_START}${astral}][${NAME_CHAR}${astral}]*`
}

const NO_XML_CHAR = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u

/** Position of the first character that no XML 1.0 document may hold, lone surrogates included; -1 for none. */
export function findIllegalXmlChar(text: string): number {
  return text.search(NO_XML_CHAR)
}

/** True for a code point that a character reference may name. */
export function isXmlCodePoint(code: number): boolean {
  return (
    code === 9 ||
    code === 10 ||
    code === 13 ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x10000 && code <= 0x10ffff)
  )
}
