/**
 * A regular expression that goes back and forth for years.
 *
 * @expected timed_out
 */
return { jobStatus: 1, data: /^(a+)+$/.test('a'.repeat(40) + 'b') }
