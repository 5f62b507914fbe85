import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/**
 * Seals secrets at rest with AES-256-GCM. The identity of the row (`destination:<id>`) is additional data, so a
 * sealed secret copied into another row does not open.
 */
export interface Sealer {
  /** The fingerprint of its key: 8 hex digits. */
  keyId: string
  seal(plain: string, identity: string): string
  /** @throws Error when the key is another one, or the text or its identity was changed. */
  open(sealed: string, identity: string): string
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** @param masterKey 32 bytes; its fingerprint is stored in each sealed text, so that a wrong key is named as such. */
export function createSealer(masterKey: Buffer): Sealer {
  const keyId = createHash('sha256').update('sluice key id').update(masterKey).digest('hex').slice(0, 8)
  return {
    keyId,
    seal(plain, identity) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', masterKey, nonce).setAAD(Buffer.from(identity))
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return `sealed:${keyId}:${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`
    },
    open(sealed, identity) {
      const [, sealedBy, text = ''] = sealed.split(':')
      if (sealedBy !== keyId)
        throw new Error(`sealed under master key ${sealedBy}, this process has ${keyId}`)
      const bytes = Buffer.from(text, 'base64url')
      const nonce = bytes.subarray(0, NONCE_BYTES)
      const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)
      const decipher = createDecipheriv('aes-256-gcm', masterKey, nonce)
        .setAAD(Buffer.from(identity))
        .setAuthTag(tag)
      return Buffer.concat([
        decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)),
        decipher.final(),
      ]).toString('utf8')
    },
  }
}

export function isSealed(text: string): boolean {
  return text.startsWith('sealed:')
}

/** The fingerprints of the keys under which the sealed texts in this JSON were sealed. */
export function keyIdsIn(json: string): string[] {
  return Array.from(json.matchAll(/"sealed:([0-9a-f]{8}):/g), ([, keyId = '']) => keyId)
}
