/**
 * Calls fetchUrl at the edge of the stack: the overflow happens beside the handle to the host.
 *
 * @expected success
 * @data {"leaked":[],"asked":true}
 * @outside
 */
const leaked = []
const asked = []
const look = (given) => {
  if (given.constructor.constructor('return typeof process')() !== 'undefined') leaked.push('process')
}
const deeper = () => {
  try {
    deeper()
  } catch (error) {
    if (error.constructor !== RangeError) leaked.push(String(error))
    asked.push(fetchUrl('https://erp.example/').then(look, look))
  }
}
deeper()
await Promise.allSettled(asked)
return { jobStatus: 1, data: { leaked, asked: asked.length > 0 } }
