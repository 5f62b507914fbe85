/**
 * Lines of megabytes, of every kind of thing.
 *
 * @expected success, timed_out, out_of_memory
 * @data "said"
 * @limits {"cpuMs":2000}
 */
const long = 'ä'.repeat(2 ** 20)
console.log(long)
console.info({ [long]: long }, [long], new Map([[long, long]]), new Set([long]))
console.error(
  new Error(long),
  Object.defineProperty(() => 1, 'name', { value: long }),
  Symbol(long),
  /x/,
)
return { jobStatus: 1, data: 'said' }
