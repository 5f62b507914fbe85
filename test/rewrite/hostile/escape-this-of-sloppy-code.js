/**
 * Code made from text runs outside of strict mode: its `this` might be another global object.
 *
 * @expected threw
 */
const there = new Function('return this')()
if (there !== globalThis) return { jobStatus: 1, data: Object.getOwnPropertyNames(there) }
const indirect = (0, eval)('this')
if (indirect !== globalThis) return { jobStatus: 1, data: Object.getOwnPropertyNames(indirect) }
throw new Error(typeof indirect.process)
