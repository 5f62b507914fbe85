/**
 * Asks in the middle of asking: in a getter of what is asked, and while its result is read.
 *
 * @expected success, threw
 * @data "read"
 * @outside
 */
const inner = () => fetchUrl('https://erp.example/inner').then(() => 0)
await fetchUrl(
  {
    toString() {
      inner()
      return 'https://erp.example/outer'
    },
  },
  {
    method: 'POST',
    body: {
      toJSON() {
        inner()
        return 1
      },
    },
  },
)
return {
  jobStatus: 1,
  data: {
    toJSON() {
      inner()
      return 'read'
    },
  },
}
