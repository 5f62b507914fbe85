/**
 * Headers that frame the message or concern only this connection (RFC 9110 section 7.6.1). Whoever could set them
 * could make the other side read another request than the one that was checked.
 */
const MANAGED = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** True for header names that no request may set; the connection sets them itself or not at all. */
export function managedHeader(name: string): boolean {
  const lower = name.trim().toLowerCase()
  return MANAGED.has(lower) || lower.startsWith('proxy-') || lower.startsWith(':')
}
