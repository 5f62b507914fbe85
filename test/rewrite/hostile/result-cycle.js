/**
 * Returns something that contains itself.
 *
 * @expected bad_return
 */
const data = { list: [] }
data.list.push({ data })
return { jobStatus: 1, data }
