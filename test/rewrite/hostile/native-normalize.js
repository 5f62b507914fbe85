/**
 * Unicode normalisation of a letter with a million accents.
 *
 * @expected timed_out, out_of_memory
 * @limits {"wallMs":100}
 */
return { jobStatus: 1, data: ('a' + '\u0300\u0323'.repeat(2 ** 20)).normalize('NFC').length }
