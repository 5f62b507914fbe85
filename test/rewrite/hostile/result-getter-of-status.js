/**
 * Is asked for its status, and never answers.
 *
 * @expected timed_out
 */
return {
  get jobStatus() {
    for (;;);
  },
}
