import iconv from 'iconv-lite'

/** A text as it stands in JSON, as PHP writes that, in URLs, in forms and in XML; itself first. */
export function writtenForms(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1)
  const escaped = json
    .replaceAll('/', '\\/')
    .replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const component = encodeURIComponent(text.toWellFormed())
  const form = new URLSearchParams([['', text]]).toString().slice(1)
  const xml = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  const quoted = xml.replaceAll('"', '&quot;').replaceAll("'", '&apos;')
  return [...new Set([text, json, escaped, component, form, xml, quoted])]
}

const CHARSETS = ['utf-8', 'utf-16le', 'utf-16be', 'iso-8859-1', 'iso-8859-15', 'windows-1252']

/** The bytes of a text in the charsets that bodies come in. */
export function writtenBytes(text: string): Buffer[] {
  const found = CHARSETS.flatMap((charset) => {
    const bytes = iconv.encode(text, charset)
    // What a charset does not have is written as a question mark, and is another text.
    return iconv.decode(bytes, charset, { stripBOM: false }) === text ? bytes : []
  })
  return [...new Map(found.map((bytes) => [bytes.toString('hex'), bytes])).values()]
}
