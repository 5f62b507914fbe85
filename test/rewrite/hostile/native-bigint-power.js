/**
 * One multiplication that no timer of V8 interrupts.
 *
 * @expected timed_out
 * @limits {"wallMs":100}
 * @process replaced
 */
return { jobStatus: 1, data: String(7n ** 90000000n).length }
