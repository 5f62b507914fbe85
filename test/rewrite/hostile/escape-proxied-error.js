/**
 * A thrown proxy whose getPrototypeOf overflows the stack while it is examined (CVE-2023-29199,
 * CVE-2023-30547 of vm2).
 *
 * @expected threw, timed_out
 */
const trap = {
  getPrototypeOf() {
    ;(function deeper() {
      deeper()
    })()
  },
}
try {
  throw new Proxy({}, trap)
} catch (caught) {
  const { constructor } = caught
  if (constructor.constructor('return typeof process')() !== 'undefined')
    return { jobStatus: 1, data: 'process' }
  throw caught
}
