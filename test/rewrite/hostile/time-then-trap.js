/**
 * Is asked whether it is a promise, and never answers.
 *
 * @expected timed_out
 */
return {
  get then() {
    for (;;);
  },
}
