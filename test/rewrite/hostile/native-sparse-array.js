/**
 * Array methods on four thousand million holes.
 *
 * @expected timed_out
 * @limits {"wallMs":100}
 */
const wide = [1]
wide.length = 2 ** 32 - 1
wide.reverse()
