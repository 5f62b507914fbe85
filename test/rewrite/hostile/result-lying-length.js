/**
 * An array that lies about its length.
 *
 * @expected output_too_large
 */
const liar = new Proxy([], {
  get: (_target, key) => (key === 'length' ? 1e300 : key === 'toJSON' ? undefined : 'x'),
})
return { jobStatus: 1, data: liar }
