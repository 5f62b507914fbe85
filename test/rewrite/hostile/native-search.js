/**
 * A search of a long text in a longer one, in one native call.
 *
 * @expected timed_out, out_of_memory
 * @limits {"wallMs":100}
 * @process replaced
 */
return { jobStatus: 1, data: 'a'.repeat(2 ** 27).indexOf('a'.repeat(2 ** 20) + 'b') }
