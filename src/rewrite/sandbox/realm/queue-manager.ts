const SENTENCE =
  'Sluice has no queue manager: a function cannot put jobs on a queue. Return what is to be sent as `data`; ' +
  'at a push node each element of an array becomes a delivery of its own.'

/** Only a proxy of something that can be called and constructed gets to answer a call and a construction. */
function ConstructibleTarget(): void {}

/**
 * Stands where Retrieve has its queue manager. It can be passed around, compared and awaited; any use of it throws
 * the sentence above. `then` is absent, as otherwise merely returning it from an async function would be a use.
 */
export const queueManager: object = new Proxy(ConstructibleTarget, {
  get: (_target, key) => (key === 'then' ? undefined : refuse()),
  set: refuse,
  has: refuse,
  apply: refuse,
  construct: refuse,
  ownKeys: refuse,
  getOwnPropertyDescriptor: refuse,
  defineProperty: refuse,
  deleteProperty: refuse,
  getPrototypeOf: refuse,
  setPrototypeOf: refuse,
  isExtensible: refuse,
  preventExtensions: refuse,
})

function refuse(): never {
  throw new Error(SENTENCE)
}
