/**
 * Throws an error whose stack throws the error.
 *
 * @expected threw
 */
const error = new Error('x')
Object.defineProperty(error, 'stack', {
  get() {
    throw error
  },
})
throw error
