/**
 * Returns something that says it will be there later.
 *
 * @expected never_settled
 */
return { then() {} }
