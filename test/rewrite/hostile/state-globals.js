/**
 * Leaves globals, and looks for those of the call before.
 *
 * @expected success
 * @data ["undefined","undefined","undefined",5]
 */
const found = [typeof left, typeof alsoLeft, typeof globalThis.third, Object.keys(globalThis).length]
globalThis.left = 'secret'
var alsoLeft = 1
eval('var third = 1')
new Function('fourth = 1')()
return { jobStatus: 1, data: found }
