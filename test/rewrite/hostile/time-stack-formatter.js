/**
 * A formatter of stacks that never ends, called when the error is described.
 *
 * @expected timed_out
 */
Error.prepareStackTrace = () => {
  for (;;);
}
null.x
