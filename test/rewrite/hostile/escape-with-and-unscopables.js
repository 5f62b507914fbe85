/**
 * A `with` around everything, whose proxy answers for every name of the code inside.
 *
 * @expected success
 * @data "undefinedundefinedundefined"
 */
const asked = []
const run = new Function('world', 'with (world) { return typeof process + typeof require + typeof ivm }')
const told = run(
  new Proxy(
    {},
    {
      has: (_target, key) => {
        asked.push(String(key))
        return false
      },
    },
  ),
)
return { jobStatus: 1, data: told }
