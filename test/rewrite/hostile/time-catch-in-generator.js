/**
 * Hides from its termination in the cleaning up of generators and iterators.
 *
 * @expected timed_out
 */
function* endless() {
  try {
    for (;;) yield 1
  } finally {
    for (;;);
  }
}
for (const one of endless()) break
