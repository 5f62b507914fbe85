/**
 * An error whose name is an object with a trapped toString, called by whoever writes the stack
 * (CVE-2023-32314 of vm2).
 *
 * @expected threw
 */
const error = new Error()
error.name = {
  toString: new Proxy(() => '', {
    apply(_target, _self, given) {
      const host = given.constructor.constructor('return typeof process !== "undefined" && process')()
      throw host ? { host } : new Error('nothing of the host')
    },
  }),
}
try {
  error.stack
} catch (thrown) {
  if (thrown.host) return { jobStatus: 1, data: 'process' }
}
throw error
