/**
 * A template object is made once for each place in the code, and the code is compiled once.
 *
 * @expected success
 * @data ["nothing",1]
 */
const keep = (strings) => strings
const here = keep`x`
Array.marks ??= new WeakMap()
const found = Array.marks.get(here) ?? 'nothing'
Array.marks.set(here, 'secret')
const counted = (function counter() {
  counter.calls = (counter.calls ?? 0) + 1
  return counter.calls
})()
return { jobStatus: 1, data: [found, counted] }
