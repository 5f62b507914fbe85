/**
 * A million proxies around each other.
 *
 * @expected timed_out, threw, out_of_memory
 */
let wrapped = {}
for (let count = 0; count < 1e6; count += 1) wrapped = new Proxy(wrapped, {})
return { jobStatus: 1, data: wrapped.x ?? 0 }
