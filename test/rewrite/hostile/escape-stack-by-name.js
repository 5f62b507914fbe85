/**
 * An error whose name is an object with a trapped toString, called by whoever writes the stack
 * (CVE-2023-32314 of vm2).
 *
 * @expected threw
 * @message nothing of the host
 */
const error = new Error('nothing of the host')
error.name = {
  toString: new Proxy(() => '', {
    apply(_target, _self, given) {
      // What is thrown here may be swallowed; the message is read whoever calls, the sandbox after the end as well.
      if (given.constructor.constructor('return typeof process')() !== 'undefined') error.message = 'process'
      throw new Error('trapped')
    },
  }),
}
try {
  error.stack
} catch {}
throw error
