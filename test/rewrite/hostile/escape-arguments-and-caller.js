/**
 * Walks from its own arguments and callers to the code that called it.
 *
 * @expected threw
 * @message 'caller', 'callee', and 'arguments' properties may not be accessed
 */
function inner() {
  return inner.caller ?? inner.arguments?.callee?.caller
}
const caller = inner()
const above = (() => {
  try {
    return caller?.caller ?? caller?.arguments
  } catch {
    return undefined
  }
})()
if (above) return { jobStatus: 1, data: String(above) }
return arguments.callee.caller.caller.constructor('return process')()
