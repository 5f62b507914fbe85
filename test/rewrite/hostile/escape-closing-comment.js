/**
 * Leaves a comment open behind it, to swallow what follows.
 *
 * @expected success
 * @data "ordinary"
 */
return { jobStatus: 1, data: 'ordinary' } // /*
