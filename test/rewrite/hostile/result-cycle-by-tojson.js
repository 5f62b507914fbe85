/**
 * Makes itself anew each time it is written.
 *
 * @expected bad_return
 */
const again = () => ({ toJSON: () => ({ x: again() }) })
return { jobStatus: 1, data: again() }
