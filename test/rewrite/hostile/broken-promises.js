/**
 * Promises that never call back.
 *
 * @expected success, timed_out, never_settled
 * @data 1
 */
Promise.prototype.then = () => {
  for (;;);
}
Promise.prototype.constructor = () => {
  throw 1
}
return { jobStatus: 1, data: 1 }
