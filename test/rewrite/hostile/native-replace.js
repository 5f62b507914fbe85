/**
 * A replacement that turns one large text into a larger one, piece by piece.
 *
 * @expected timed_out, out_of_memory
 * @limits {"wallMs":300}
 */
return { jobStatus: 1, data: 'a'.repeat(2 ** 26).replace(/a/g, 'bb').length }
