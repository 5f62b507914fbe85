/**
 * The same backwards, with classes of Unicode.
 *
 * @expected timed_out
 */
return { jobStatus: 1, data: /(?<=^(\p{L}+)+)!/u.test('1' + 'é'.repeat(40) + '!') }
