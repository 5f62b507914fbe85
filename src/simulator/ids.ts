import { createHash } from 'node:crypto'

/** The ids of one event, made from one text: the same text gives the same ids, another one gives others. */
export interface Ids {
  uuid(of: string): string
  /** Lower-case hex digits. */
  hex(of: string, length: number): string
  /** Letters and digits. */
  letters(of: string, length: number): string
  /** A positive integer of so many decimal digits; a bigint where a number would be rounded. */
  integer(of: string, digits: number): number | bigint
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** `of` tells the ids of one event apart: its order, its delivery, its first line. */
export function idsOf(event: string): Ids {
  const bytes = (of: string) => createHash('sha512').update(`${of}\n${event}`).digest()
  return {
    uuid(of) {
      const hex = bytes(of).toString('hex')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
    },
    hex: (of, length) => bytes(of).toString('hex').slice(0, length),
    letters: (of, length) =>
      Array.from(bytes(of).subarray(0, length), (byte) => ALPHABET[byte % ALPHABET.length]).join(''),
    integer(of, digits) {
      const first = 10n ** BigInt(digits - 1)
      const value = first + (bytes(of).readBigUInt64BE() % (first * 9n))
      return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
    },
  }
}
