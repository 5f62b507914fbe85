/**
 * Never ends disposing of what it used.
 *
 * @expected timed_out
 */
{
  using held = {
    [Symbol.dispose]() {
      for (;;);
    },
  }
}
return { jobStatus: 1 }
