/**
 * A number of a million digits.
 *
 * @expected success, timed_out, output_too_large
 * @data 90001
 */
return { jobStatus: 1, data: String(10n ** 90000n).length }
