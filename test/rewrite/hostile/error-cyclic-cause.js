/**
 * Errors that are each other's cause, and each other's parts.
 *
 * @expected threw
 */
const one = new Error('one')
const two = new AggregateError([one], 'two', { cause: one })
one.cause = two
two.errors.push(two)
console.log(one, two, { two })
throw two
