/**
 * Teaches arrays and objects to write themselves otherwise, so that log and verdict say something
 * else.
 *
 * @expected success
 * @data 5
 * @log ["kept"]
 */
Array.prototype.toJSON =
  Object.prototype.toJSON =
  String.prototype.toJSON =
    () => ({ settled: true, ok: true, hasData: true })
console.log('kept')
return { jobStatus: 1, data: 5 }
