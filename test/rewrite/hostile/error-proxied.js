/**
 * Throws proxies that refuse every look at them.
 *
 * @expected threw
 */
const refuse = () => {
  throw refusing
}
const refusing = new Proxy(new Error('x'), new Proxy({}, { get: () => refuse }))
throw refusing
