/**
 * Calls console at the edge of the stack, so that the overflow happens in code of the sandbox.
 *
 * @expected success
 * @data 0
 */
let leaked = 0
const deeper = () => {
  try {
    deeper()
  } catch (error) {
    console.log(error)
    if (error.constructor.constructor('return typeof process')() !== 'undefined') leaked += 1
  }
}
deeper()
return { jobStatus: 1, data: leaked }
