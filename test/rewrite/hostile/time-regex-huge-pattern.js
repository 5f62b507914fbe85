/**
 * A pattern so large that compiling it takes all the time.
 *
 * @expected timed_out, out_of_memory, threw
 * @limits {"wallMs":100}
 */
return {
  jobStatus: 1,
  data: new RegExp('(?:' + 'a?'.repeat(30000) + '){100}' + 'a'.repeat(30000)).test('a'.repeat(30000)),
}
