/**
 * An error with a message of megabytes, and a name and stack to match.
 *
 * @expected threw
 */
const error = new Error('m'.repeat(2 ** 22))
error.name = 'n'.repeat(2 ** 22)
error.stack = 's'.repeat(2 ** 22)
console.error(error)
throw error
