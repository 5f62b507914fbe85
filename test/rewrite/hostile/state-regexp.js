/**
 * RegExp.$1 and its kin carry the last match from one call to the next.
 *
 * @expected success
 * @data ["","secre"]
 */
const found = [
  RegExp.$1,
  RegExp.input,
  RegExp['$&'],
  RegExp.leftContext,
  RegExp.rightContext,
  RegExp.lastParen,
].join('')
const matched = /(s.*)t/.exec('a secret b')
return { jobStatus: 1, data: [found, matched[1]] }
