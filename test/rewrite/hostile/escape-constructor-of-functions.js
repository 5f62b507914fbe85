/**
 * Function constructors of every kind, called for the host's globals.
 *
 * @expected threw
 * @message nothing of the host
 */
const kinds = [
  () => 1,
  async () => 1,
  function* () {},
  async function* () {},
  class {},
  fetchUrl,
  console.log,
  atob,
]
for (const one of kinds) {
  const made = one.constructor('return typeof process !== "undefined" ? process : undefined')()
  const value = (await (made?.next?.() ?? made))?.value ?? (await made)
  if (value?.env) return { jobStatus: 1, data: Object.keys(value) }
}
throw new Error('nothing of the host')
