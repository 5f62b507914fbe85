/**
 * Logs proxies, revoked ones, and such as throw when they are looked at.
 *
 * @expected success
 * @data "said"
 */
const { proxy, revoke } = Proxy.revocable({}, {})
revoke()
console.log(
  proxy,
  new Proxy(
    {},
    {
      ownKeys() {
        throw 1
      },
    },
  ),
  new Proxy([], {
    get() {
      throw new Error('x')
    },
  }),
)
console.log(
  Object.setPrototypeOf(
    new Map(),
    new Proxy(
      {},
      {
        get() {
          throw 1
        },
      },
    ),
  ),
  {
    get x() {
      throw null
    },
  },
  [proxy],
)
console.log(
  queueManager,
  jobData,
  new Proxy(() => 1, {
    get() {
      throw 1
    },
  }),
)
return { jobStatus: 1, data: 'said' }
