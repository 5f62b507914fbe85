/**
 * The symbol by which Node lets objects print themselves: it hands out its own inspect function
 * (CVE-2023-37903 of vm2).
 *
 * @expected success
 * @data []
 */
const seen = []
const shown = {
  [Symbol.for('nodejs.util.inspect.custom')]: (...given) => {
    seen.push(given.length)
    return 'x'
  },
}
console.log(shown, [shown], new Map([[shown, shown]]))
throwAway: try {
  structuredClone(shown)
} catch {
  break throwAway
}
return { jobStatus: 1, data: seen }
