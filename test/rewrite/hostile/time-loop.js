/**
 * Never ends.
 *
 * @expected timed_out
 */
for (;;);
