/**
 * Objects whose greater part lies outside of the heap, in ICU.
 *
 * @expected timed_out, out_of_memory
 * @limits {"cpuMs":300}
 */
const all = []
for (;;) all.push(new Intl.RelativeTimeFormat('de'), new Intl.DateTimeFormat('de', { dateStyle: 'full' }))
