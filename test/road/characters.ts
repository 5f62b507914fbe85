/** What stands in an XML document, read without a parser: an oracle that shares nothing with our own reader. */
const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
const COMMENTS = /<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>]*>/gs
const CONTENT = /<!\[CDATA\[(.*?)\]\]>|>([^<>]+)(?=<)|\s[\w:.-]+\s*=\s*(?:"([^"]*)"|'([^']*)')/gs

/** The characters of all texts and attributes, without blanks and sorted: texts on both sides of an element are joined. */
export function charactersOfXml(bytes: Uint8Array): string {
  const document = decoded(bytes).replaceAll(COMMENTS, '')
  const texts = [...document.matchAll(CONTENT)].map(
    ([, raw, text, double, single]) => raw ?? withoutEntities(text ?? double ?? single ?? ''),
  )
  return charactersIn(texts.join(''))
}

/** The same of what was made of it. */
export function charactersOfJson(value: unknown): string {
  return charactersIn(textsIn(value).join(''))
}

function textsIn(value: unknown): string[] {
  if (value === null) return []
  return typeof value === 'object' ? Object.values(value).flatMap(textsIn) : [String(value)]
}

export function charactersIn(text: string): string {
  return [...text.replaceAll(/[ \t\r\n]/g, '')].toSorted().join('')
}

function decoded(bytes: Uint8Array): string {
  const [first, second] = bytes
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 200))
  const named = /encoding=["']([^"']+)/.exec(head)?.[1] ?? 'utf-8'
  const isWide = first === 0xff || second === 0 || first === 0xfe || first === 0
  const wide = first === 0xff || second === 0 ? 'utf-16le' : 'utf-16be'
  return new TextDecoder(isWide ? wide : named).decode(bytes)
}

function withoutEntities(text: string): string {
  return text.replaceAll(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (_all, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? ''
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))
  })
}
