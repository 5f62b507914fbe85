/**
 * The same in the address.
 *
 * @expected out_of_memory, threw, timed_out
 * @outside
 */
await fetchUrl('https://erp.example/' + 'x'.repeat(2 ** 26))
