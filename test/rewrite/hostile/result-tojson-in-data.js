/**
 * The same by toJSON.
 *
 * @expected timed_out
 */
return {
  jobStatus: 1,
  data: {
    toJSON() {
      for (;;);
    },
  },
}
