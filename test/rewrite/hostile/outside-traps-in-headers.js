/**
 * The same in the headers.
 *
 * @expected timed_out
 * @outside
 */
await fetchUrl('https://erp.example/', {
  headers: new Proxy(
    {},
    {
      ownKeys() {
        for (;;);
      },
    },
  ),
})
