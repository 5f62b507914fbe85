/**
 * Buffers that can grow are made past the allocator that counts.
 *
 * @expected out_of_memory, timed_out, threw
 * @limits {"cpuMs":1500}
 */
const all = []
for (;;) {
  const grown = new ArrayBuffer(2 ** 22, { maxByteLength: 2 ** 22 })
  new Uint8Array(grown).fill(1)
  all.push(grown)
}
