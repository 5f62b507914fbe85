/**
 * An iterator of promises without an end.
 *
 * @expected timed_out
 */
async function* endless() {
  for (;;) yield 1
}
for await (const one of endless());
