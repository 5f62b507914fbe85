/**
 * A rejection that nobody handles, of an object that never ends being looked at.
 *
 * @expected success, timed_out, threw
 * @data 1
 * @limits {"wallMs":100}
 */
Promise.reject({
  get message() {
    for (;;);
  },
  get stack() {
    for (;;);
  },
  toString() {
    for (;;);
  },
})
return { jobStatus: 1, data: 1 }
