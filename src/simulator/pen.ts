import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { Credentials } from './imitation.ts'
import { SimulationError } from './problem.ts'
import type { WrongKind } from './wrong.ts'

export interface GivenCredentials {
  readonly secret?: string | undefined
  readonly user?: string | undefined
  /** A private key, as PEM without a passphrase. */
  readonly key?: string | KeyObject | undefined
}

/** What a request is proven with. Where it is to be wrong by its secret or its encoding, the pen writes wrongly. */
export interface Pen {
  has(credential: keyof Credentials): boolean
  /** The secret as it was given. @throws SimulationError when it was not. */
  secret(): string
  /** The secret as it is sent, for schemes that send it. */
  token(): string
  user(): string
  hmac(algorithm: string, key: string | Buffer, ...chunks: (string | Buffer)[]): Buffer
  /** RSA PKCS#1 v1.5 with SHA-256, or ed25519, as the key is; the private key that was given unless another is. */
  sign(text: string | Buffer, key?: KeyObject): Buffer
  /** A digest as text: in the usual encoding, unless that is to be wrong. */
  encode(digest: Buffer, usual: 'hex' | 'base64'): string
}

interface PenOptions {
  readonly title: string
  /** What each credential is, as the imitation tells it. */
  readonly meanings: Credentials
  readonly given: GivenCredentials
  readonly wrong: WrongKind | undefined
}

export function penWith({ title, meanings, given, wrong }: PenOptions): Pen {
  const isForged = wrong === 'secret'

  function need<Name extends keyof GivenCredentials>(name: Name): NonNullable<GivenCredentials[Name]> {
    const value = given[name]
    if (value === undefined || value === '')
      throw new SimulationError(`${title} needs ${meanings[name] ?? `a ${name}`}`, name)
    return value
  }

  return {
    has: (name) => given[name] !== undefined && given[name] !== '',
    secret: () => need('secret'),
    token: () => (isForged ? anotherText(need('secret')) : need('secret')),
    user: () => need('user'),
    hmac(algorithm, key, ...chunks) {
      const hmac = createHmac(algorithm, isForged ? anotherKey(Buffer.from(key)) : key)
      for (const chunk of chunks) hmac.update(chunk)
      return hmac.digest()
    },
    sign(text, key = privateKey(need('key'))) {
      const signing = isForged ? anotherPair(key) : key
      return sign(signing.asymmetricKeyType === 'rsa' ? 'sha256' : null, Buffer.from(text), signing)
    },
    encode(digest, usual) {
      const other = usual === 'hex' ? 'base64' : 'hex'
      return digest.toString(wrong === 'encoding' ? other : usual)
    },
  }
}

/** One character is another one; whatever form the text has, it keeps. */
function anotherText(text: string): string {
  const at = Math.floor((text.length * 2) / 3)
  return `${text.slice(0, at)}${/a/i.test(text[at] ?? '') ? 'B' : 'A'}${text.slice(at + 1)}`
}

function anotherKey(key: Buffer): Buffer {
  return Buffer.concat([key.subarray(1), Buffer.from([(key[0] ?? 0) ^ 1])])
}

/** Reading a PEM costs more than signing a small body with it, and a load signs many. */
const readKeys = new Map<string, KeyObject>()

function privateKey(given: string | KeyObject): KeyObject {
  if (typeof given !== 'string') return given
  const known = readKeys.get(given)
  if (known) return known
  try {
    const key = createPrivateKey(given)
    readKeys.set(given, key)
    return key
  } catch {
    throw new SimulationError('the key is no private key in PEM without a passphrase')
  }
}

/** Made once: an RSA key takes a while. */
const pairs = new Map<string, KeyObject>()

function anotherPair(key: KeyObject): KeyObject {
  const type = key.asymmetricKeyType === 'rsa' ? 'rsa' : 'ed25519'
  const known = pairs.get(type)
  if (known) return known
  const { privateKey: made } =
    type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519')
  pairs.set(type, made)
  return made
}
