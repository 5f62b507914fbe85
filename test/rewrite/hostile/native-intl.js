/**
 * Cuts a long text of a language without spaces into words.
 *
 * @expected timed_out, out_of_memory
 * @limits {"wallMs":100}
 */
const cutter = new Intl.Segmenter('th', { granularity: 'word' })
return { jobStatus: 1, data: [...cutter.segment('ก'.repeat(2e6))].length }
