/**
 * Code from text so large that parsing it takes all the time.
 *
 * @expected timed_out, out_of_memory, threw
 * @limits {"wallMs":100}
 */
return { jobStatus: 1, data: new Function('return ' + '1+'.repeat(5e6) + '1')() }
