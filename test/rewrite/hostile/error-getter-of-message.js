/**
 * Throws an error whose message never ends being read.
 *
 * @expected timed_out
 */
throw {
  get message() {
    for (;;);
  },
}
