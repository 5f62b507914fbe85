/**
 * Reserves addresses until there are none left, large ranges before small ones; what comes after it in the process must not suffer.
 *
 * @expected threw, timed_out, crashed, out_of_memory
 * @limits {"cpuMs":1500,"wallMs":2500}
 */
const all = []
function reserve(maxByteLength) {
  for (;;) all.push(new ArrayBuffer(0, { maxByteLength }))
}
try {
  reserve(2 ** 36)
} catch {
  reserve(2 ** 30)
}
