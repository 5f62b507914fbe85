/**
 * Error.prepareStackTrace is given call sites, and each site its function and its `this`
 * (CVE-2023-29017 of vm2).
 *
 * @expected threw
 * @message nothing of the host
 */
Error.prepareStackTrace = (_error, sites) => sites
const sites = [
  ...new Error().stack,
  ...((await fetchUrl('https://erp.example/').catch((error) => error.stack)) ?? []),
]
for (const site of sites) {
  const host =
    site.getThis()?.process ??
    (await site.getFunction()?.constructor('return typeof process !== "undefined" && process')())
  if (host) return { jobStatus: 1, data: 'process' }
}
throw new Error('nothing of the host')
