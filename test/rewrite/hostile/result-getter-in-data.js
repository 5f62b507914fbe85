/**
 * Data that never ends being read.
 *
 * @expected timed_out
 */
return {
  jobStatus: 1,
  data: {
    get x() {
      for (;;);
    },
  },
}
