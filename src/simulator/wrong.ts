/** The ways in which a request can be wrong on purpose, each as `--help` tells it. */
export const WRONG = {
  secret: 'proven with another secret or key',
  body: 'changed after it was signed',
  missing: 'without its signature, secret or credentials',
  encoding: 'signature in hex where base64 is due, or the other way round',
  old: 'signed two days ago',
  future: 'signed two days ahead',
  url: 'signed for another address',
  key: 'names a key that is not known',
  algorithm: 'signed, or said to be, with an algorithm that is not good enough',
  recipient: 'meant for another account',
  sender: 'comes from another shop than the one that introduced itself',
} as const

export type WrongKind = keyof typeof WRONG
