/**
 * Text that PostgreSQL takes: one NUL or lone surrogate, which any message of a stranger's function may hold,
 * would fail the whole statement. Payloads need none of this, because they are kept as JSON text or bytes.
 */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD')
}
