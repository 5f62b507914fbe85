/**
 * Leaves code that waits to be woken by the next call.
 *
 * @expected success
 * @data ["undefined","undefined"]
 */
const found = [typeof wake, typeof woken]
globalThis.tick = async () => {
  await new Promise((resolve) => {
    globalThis.wake = resolve
  })
  globalThis.woken = 1
}
tick()
return { jobStatus: 1, data: found }
