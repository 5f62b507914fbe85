/**
 * A promise whose species hands rejections of the host to a fake constructor (CVE-2023-37466 of vm2).
 *
 * @expected success
 * @data []
 */
const seen = []
async function overflow() {
  ;(function deeper() {
    deeper()
  })()
}
for (const promise of [overflow(), fetchUrl('https://erp.example/')]) {
  promise.constructor = {
    [Symbol.species]: class {
      constructor(executor) {
        executor(
          (value) => value,
          (error) => seen.push(error.constructor.constructor('return typeof process')()),
        )
      }
    },
  }
  promise.then()
}
await 0
await 0
return { jobStatus: 1, data: seen.filter((type) => type !== 'undefined') }
