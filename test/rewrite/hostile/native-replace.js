/**
 * A replacement that turns one large text into a larger one, piece by piece. Where it gets on quicker than it is
 * looked at, V8 gives the process up.
 *
 * @expected timed_out, out_of_memory, crashed
 * @limits {"wallMs":100}
 */
return { jobStatus: 1, data: 'a'.repeat(2 ** 26).replace(/a/g, 'bb').length }
