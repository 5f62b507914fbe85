/**
 * A proxy with millions of keys that do not exist.
 *
 * @expected output_too_large, timed_out, out_of_memory, bad_return
 * @limits {"cpuMs":400}
 */
const keys = Array.from({ length: 1e6 }, (_, index) => `k${index}`)
const wide = new Proxy(
  {},
  {
    ownKeys: () => keys,
    getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }),
  },
)
return { jobStatus: 1, data: wide }
