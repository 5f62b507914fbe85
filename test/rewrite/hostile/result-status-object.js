/**
 * Says that it is 1 in every way but being it.
 *
 * @expected said_no
 */
return { jobStatus: { valueOf: () => 1, toString: () => '1', [Symbol.toPrimitive]: () => 1 }, data: 1 }
