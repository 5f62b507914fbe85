/**
 * A structure so deep that the collector has to work hard.
 *
 * @expected out_of_memory, timed_out
 * @limits {"cpuMs":1500}
 */
let deep = []
for (;;) deep = [deep, deep.length, {}]
