/**
 * Recursion of everything that recurs natively.
 *
 * @expected success, out_of_memory, timed_out
 * @data 5
 * @limits {"cpuMs":3000}
 */
const deep = '['.repeat(1e4) + ']'.repeat(1e4)
const ways = [
  () =>
    (function f() {
      return f()
    })(),
  () => JSON.parse(deep),
  () => eval('('.repeat(1e5) + '1' + ')'.repeat(1e5)),
  () => new RegExp('('.repeat(1e5) + ')'.repeat(1e5)),
  () => {
    let f = () => 1
    for (let i = 0; i < 1e4; i += 1) f = f.bind(null)
    return f()
  },
]
const ended = ways.map((way) => {
  try {
    way()
    return 'ended'
  } catch (error) {
    return 'threw'
  }
})
return { jobStatus: 1, data: ended.length }
