/**
 * Asks the world outside as often as it can.
 *
 * @expected timed_out
 * @outside
 */
for (;;) await fetchUrl('https://erp.example/').catch(() => 0)
