/**
 * Logs what contains itself, in maps, sets and arrays.
 *
 * @expected success
 * @data "said"
 */
const map = new Map()
const set = new Set([map])
const list = [map, set]
map.set(map, set).set(set, list).set(list, map)
list.push(list)
console.log(map, set, list, { list })
return { jobStatus: 1, data: 'said' }
