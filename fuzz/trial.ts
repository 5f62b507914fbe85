import type { Target } from './target.ts'

/** How an input broke a promise. */
export interface Broken {
  /** The same for inputs that break the same promise. */
  readonly kind: string
  readonly error: unknown
}

/** Reads one input and judges what came of it. Whatever is thrown on the way breaks a promise. */
export async function trial(target: Target, input: Buffer): Promise<Broken | undefined> {
  // A reader that writes into what it was given would change what is judged.
  const given = Buffer.from(input)
  try {
    const result = target.read(given)
    await target.judge(input, result instanceof Promise ? await result : result)
  } catch (error) {
    return { kind: kindOf(error), error }
  }
  if (!given.equals(input)) return { kind: 'changed its input', error: new Error('the input was changed') }
  return pollution()
}

/** The kind of error and the line of ours that it comes from; the message may hold a part of the input. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'threw what is no error'
  if (error.message.startsWith('broken: ')) return error.message
  const [place = ''] = /\/(?:src|fuzz)\/[^\s)]+/.exec(error.stack ?? '') ?? []
  return `${error.name} at ${place}`
}

const SHARED = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Number.prototype]
const keysOf = (object: object) => Reflect.ownKeys(object).length
const clean = SHARED.map(keysOf)

/** Takes away what was added, so that the next input is not blamed for it. */
function pollution(): Broken | undefined {
  const polluted = SHARED.find((object, at) => keysOf(object) !== clean[at])
  if (!polluted) return undefined
  for (const key of Reflect.ownKeys(polluted).slice(clean[SHARED.indexOf(polluted)]))
    Reflect.deleteProperty(polluted, key)
  return { kind: 'polluted a prototype', error: new Error('a prototype has more keys than before') }
}
