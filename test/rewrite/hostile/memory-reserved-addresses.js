/**
 * Reserves addresses until there are none left; what comes after it in the process must not suffer.
 *
 * @expected threw, timed_out, crashed, out_of_memory
 * @limits {"cpuMs":1500,"wallMs":2500}
 */
const all = []
for (;;) all.push(new ArrayBuffer(0, { maxByteLength: 2 ** 30 }))
