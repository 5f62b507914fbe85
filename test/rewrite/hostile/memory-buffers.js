/**
 * Buffers, whose bytes are not on the heap.
 *
 * @expected threw, out_of_memory
 * @limits {"cpuMs":1500}
 */
const all = []
for (;;) all.push(new ArrayBuffer(1e6))
