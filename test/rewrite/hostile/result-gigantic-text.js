/**
 * Half a gigabyte of text.
 *
 * @expected output_too_large
 */
return { jobStatus: 1, data: 'x'.repeat(2 ** 29 - 24) }
