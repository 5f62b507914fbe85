/**
 * Never ends, and gives way each time.
 *
 * @expected timed_out
 */
for (;;) await 0
