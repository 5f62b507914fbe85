/**
 * A map that grows for ever.
 *
 * @expected out_of_memory, timed_out
 * @limits {"cpuMs":1500}
 */
const map = new Map()
for (let count = 0; ; count += 1) map.set(count, {})
