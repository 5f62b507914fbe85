/**
 * The promise of import() might belong to the host (CVE-2021-23449 of vm2).
 *
 * @expected threw
 * @message Not supported
 */
const promise = import('./nothing.js')
promise.catch(() => 0)
const there = promise.toString.constructor('return this')()
if (there !== globalThis || there.process) return { jobStatus: 1, data: 'another global' }
await promise
