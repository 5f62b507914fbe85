/**
 * The same by the keys of a proxy.
 *
 * @expected timed_out
 */
return {
  jobStatus: 1,
  data: new Proxy(
    {},
    {
      ownKeys() {
        for (;;);
      },
    },
  ),
}
