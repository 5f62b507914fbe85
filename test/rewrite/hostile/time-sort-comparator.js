/**
 * A comparison that never ends.
 *
 * @expected timed_out
 */
;[2, 1].sort(() => {
  for (;;);
})
