/**
 * A set that gains an element with every element that is printed.
 *
 * @expected success, timed_out, out_of_memory
 * @data "said"
 */
const set = new Set()
const element = () => ({
  get x() {
    set.add(element())
    return 1
  },
})
set.add(element())
console.log(set)
return { jobStatus: 1, data: 'said' }
