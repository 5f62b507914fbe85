/**
 * Catches its own termination.
 *
 * @expected timed_out
 */
const again = () => {
  try {
    for (;;);
  } catch {
    again()
  } finally {
    again()
  }
}
again()
