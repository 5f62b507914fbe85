/**
 * Objects whose greater part lies outside of the heap, in ICU.
 *
 * @expected timed_out, out_of_memory
 * @limits {"cpuMs":1000}
 */
const all = []
for (;;) all.push(new Intl.Collator('zh'), new Intl.DateTimeFormat('de', { dateStyle: 'full' }))
