/**
 * Waits for what nobody will ever settle.
 *
 * @expected never_settled
 */
await new Promise(() => {})
