/**
 * Returns, and leaves something running that never ends.
 *
 * @expected timed_out
 */
const never = async () => {
  for (;;) await 0
}
never()
return { jobStatus: 1 }
