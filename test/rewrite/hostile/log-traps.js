/**
 * Logs what never ends being printed.
 *
 * @expected timed_out
 */
console.log({
  get x() {
    for (;;);
  },
})
return { jobStatus: 1 }
