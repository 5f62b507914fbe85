/**
 * A question to the world outside larger than all its memory.
 *
 * @expected out_of_memory, threw, timed_out
 * @outside
 */
await fetchUrl('https://erp.example/', { method: 'POST', body: 'x'.repeat(2 ** 26) })
