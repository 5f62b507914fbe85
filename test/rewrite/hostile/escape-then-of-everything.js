/**
 * Gives every object a then, so that whatever the sandbox awaits comes by (CVE-2023-37903 of vm2 in
 * another dress).
 *
 * @expected success, timed_out
 * @data []
 * @outside
 */
const seen = []
Object.defineProperty(Object.prototype, 'then', {
  configurable: true,
  get() {
    seen.push(typeof this.process, typeof this.applySyncPromise)
    return undefined
  },
})
await job
await fetchUrl('https://erp.example/').catch(() => 0)
delete Object.prototype.then
return { jobStatus: 1, data: seen.filter((type) => type !== 'undefined') }
