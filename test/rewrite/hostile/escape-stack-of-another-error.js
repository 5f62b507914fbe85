/**
 * Puts an object with a prepareStackTrace in the place of Error (CVE-2022-36067, "SandBreak").
 *
 * @expected threw
 * @message Cannot read properties of null (reading 'x')
 */
const Original = Error
globalThis.Error = {
  prepareStackTrace: (_error, sites) => sites.map((site) => site.getThis()).find((one) => one?.process),
}
const found = new Original('x').stack
if (found?.process) return { jobStatus: 1, data: 'process' }
null.x
