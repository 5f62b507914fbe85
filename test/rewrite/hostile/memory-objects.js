/**
 * Keeps all that it makes.
 *
 * @expected out_of_memory, timed_out
 * @limits {"cpuMs":1500}
 */
const all = []
for (;;) all.push({ x: all.length })
