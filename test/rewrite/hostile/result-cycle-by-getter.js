/**
 * Grows by one level with each look at it.
 *
 * @expected bad_return
 */
const again = () => ({
  get x() {
    return again()
  },
})
return { jobStatus: 1, data: again() }
