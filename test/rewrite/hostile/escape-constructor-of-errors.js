/**
 * Errors that the sandbox itself throws: their constructors might be those of the host (CVE-2019-10761
 * of vm2).
 *
 * @expected threw
 * @message nothing of the host
 */
const throwers = [
  () => queueManager.add('job'),
  () => atob('%'),
  () => btoa('€'),
  () => structuredClone(() => 1),
  () => JSON.parse('{'),
  () => JSON.parse('['.repeat(1e6)),
  () => new Array(-1),
  () => null.x,
  () =>
    (function f() {
      f()
    })(),
]
for (const thrower of throwers) {
  try {
    thrower()
  } catch (error) {
    const leaked = error.constructor.constructor('return typeof process !== "undefined" && process')()
    if (leaked) return { jobStatus: 1, data: 'process' }
  }
}
const asked = await fetchUrl('https://erp.example/').catch((error) => error)
if (asked.constructor.constructor('return typeof process')() !== 'undefined')
  return { jobStatus: 1, data: 'process' }
throw new Error('nothing of the host')
