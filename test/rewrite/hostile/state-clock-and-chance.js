/**
 * Replaces the clock and chance for those who come after.
 *
 * @expected success
 * @data [true,true,"1970-01-01T00:00:00.000Z","undefined"]
 */
const found = [Date.now() > 1e12, Math.random() < 1, new Date(0).toISOString(), typeof Intl.left]
Date.now = () => 0
Math.random = () => 5
Date.prototype.toISOString = () => 'secret'
Intl.left = 'secret'
return { jobStatus: 1, data: found }
