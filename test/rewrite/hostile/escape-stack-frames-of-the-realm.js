/**
 * The call sites between the function and the code that calls its getter might show functions of the
 * sandbox.
 *
 * @expected success
 * @data []
 */
Error.prepareStackTrace = (_error, sites) =>
  sites
    .filter((site) => !String(site.getFileName()).startsWith('my-function'))
    .flatMap((site) => [typeof site.getFunction(), typeof site.getThis()])
let seen = []
console.log({
  get x() {
    seen = seen.concat(new Error().stack)
    return 1
  },
})
JSON.stringify({
  toJSON() {
    seen = seen.concat(new Error().stack)
    return 1
  },
})
structuredClone({
  get x() {
    seen = seen.concat(new Error().stack)
    return 1
  },
})
return { jobStatus: 1, data: seen.filter((type) => type !== 'undefined') }
