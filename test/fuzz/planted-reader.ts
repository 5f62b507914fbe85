/** Readers with a fault each, for the search to find. */
import { target } from '../../fuzz/target.ts'

/** Fails for three bytes in a row: no search that is blind gets there soon. */
export const guarded = target({
  name: 'planted-guarded',
  reads: 'three bytes',
  promise: 'nothing is thrown',
  seeds: ['...'],
  words: [],
  read(input) {
    if (input[0] !== 0x4f) return 0
    if (input[1] !== 0x72) return 1
    if (input[2] !== 0x64) return 2
    throw new Error('found')
  },
})

/** Goes over all that it read for each of its commas. */
export const quadratic = target({
  name: 'planted-quadratic',
  reads: 'a list',
  promise: 'nothing is thrown',
  seeds: ['a,b,c'],
  words: [','],
  bytesMax: 30_000,
  read(input) {
    const text = input.toString('latin1')
    let seen = 0
    for (let at = text.indexOf(','); at !== -1; at = text.indexOf(',', at + 16)) {
      for (let before = 0; before < at; before += 32) if (text.charCodeAt(before) === 0x2c) seen++
    }
    return seen
  },
})

/** Takes a key of its input for one of its own. */
export const polluting = target({
  name: 'planted-polluting',
  reads: 'a key and a value',
  promise: 'nothing is thrown',
  seeds: ['a=1'],
  words: ['__proto__', '='],
  read(input) {
    const [group = '', value = ''] = input.toString('latin1').split('=')
    const groups: Record<string, Record<string, string>> = {}
    groups[group] ??= {}
    const held = groups[group]
    if (held) held.planted = value
    return groups
  },
})
