/**
 * A proxy that throws whatever is done with it.
 *
 * @expected bad_return
 */
const { proxy, revoke } = Proxy.revocable([], {})
revoke()
return { jobStatus: 1, data: { a: proxy } }
