import { createHash } from 'node:crypto'

/**
 * The id of a batch is made from those of its deliveries, so that the same ones, sent again, are recognised by whoever
 * receives them, and others are never taken for them: a UUID of version 8 (RFC 9562) from their SHA-256.
 */
export function batchIdOf(deliveryIds: readonly string[]): string {
  const digest = createHash('sha256').update(deliveryIds.toSorted().join('\n')).digest('hex')
  const variant = ((Number.parseInt(digest.slice(16, 17), 16) & 0x3) | 0x8).toString(16)
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `${variant}${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join('-')
}
