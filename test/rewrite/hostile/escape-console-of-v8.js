/**
 * The methods that V8 itself puts on console: contexts, profiles, timers.
 *
 * @expected success
 * @data []
 */
const leaked = []
for (const name of Object.getOwnPropertyNames(console)) {
  try {
    const given = console[name]('x')
    if (given && given.constructor.constructor('return typeof process')() !== 'undefined') leaked.push(name)
  } catch {}
}
return { jobStatus: 1, data: leaked }
