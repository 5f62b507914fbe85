/**
 * Changes the prototypes that have no name: of iterators, generators, async functions, typed arrays.
 *
 * @expected success
 * @data 0
 */
const hidden = [
  Object.getPrototypeOf([][Symbol.iterator]()),
  Object.getPrototypeOf(new Map().entries()),
  Object.getPrototypeOf(function* () {}),
  Object.getPrototypeOf(async () => 1),
  Object.getPrototypeOf(async function* () {}).prototype,
  Object.getPrototypeOf(Int8Array),
  Object.getPrototypeOf('a'.matchAll(/a/g)),
  Object.getPrototypeOf(new Intl.Segmenter('de').segment('a')),
]
const found = hidden.filter((one) => one.left === 'secret').length
for (const one of hidden) Object.defineProperty(one, 'left', { value: 'secret' })
return { jobStatus: 1, data: found }
