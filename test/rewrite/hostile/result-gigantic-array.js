/**
 * Four thousand million holes.
 *
 * @expected output_too_large
 */
return { jobStatus: 1, data: new Array(4e9) }
