/**
 * Closes the function that it stands in and goes on outside of it.
 *
 * @expected syntax
 */
return { jobStatus: 1 } })(); globalThis.escaped = 1; (async function () {
