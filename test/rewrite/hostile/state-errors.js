/**
 * How errors look is a setting of the whole language.
 *
 * @expected success
 * @data [10,"undefined",true]
 */
const found = [
  Error.stackTraceLimit,
  typeof Error.prepareStackTrace,
  new Error('x').stack.includes('my-function'),
]
Error.prepareStackTrace = () => 'secret'
Error.stackTraceLimit = 0
return { jobStatus: 1, data: found }
