/**
 * An array that changes while it is written.
 *
 * @expected success
 * @data [1,null,null]
 */
const list = [
  {
    toJSON() {
      list.length = 1
      return 1
    },
  },
  2,
  3,
]
return { jobStatus: 1, data: list }
