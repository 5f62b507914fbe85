/**
 * Gives fetchUrl addresses, options and headers that never end being read.
 *
 * @expected timed_out
 * @outside
 */
await fetchUrl(
  'https://erp.example/',
  new Proxy(
    {},
    {
      get() {
        for (;;);
      },
    },
  ),
)
