/**
 * Texts that double and are never the same.
 *
 * @expected out_of_memory, timed_out, threw
 * @limits {"cpuMs":1500}
 */
let text = 'ab'
for (;;) text += text + text.charCodeAt(text.length - 1)
