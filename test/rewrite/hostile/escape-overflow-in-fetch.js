/**
 * Calls fetchUrl at the edge of the stack: the overflow happens beside the handle to the host.
 *
 * @expected success, threw, timed_out
 * @data []
 * @outside
 */
const leaked = []
const deeper = () => {
  try {
    deeper()
  } catch (error) {
    if (error.constructor !== RangeError) leaked.push(String(error))
    fetchUrl('https://erp.example/').catch((late) => {
      if (late.constructor.constructor('return typeof process')() !== 'undefined') leaked.push('process')
    })
  }
}
deeper()
await 0
return { jobStatus: 1, data: leaked }
