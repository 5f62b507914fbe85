/**
 * A getter that throws a proxy that throws.
 *
 * @expected bad_return
 */
return {
  jobStatus: 1,
  data: {
    get x() {
      throw new Proxy(
        {},
        {
          get() {
            throw 1
          },
          getPrototypeOf() {
            throw 2
          },
        },
      )
    },
  },
}
