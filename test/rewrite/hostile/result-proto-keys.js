/**
 * Keys by which objects are poisoned where they are read again.
 *
 * @expected success
 * @data {"__proto__":{"x":1},"constructor":{"prototype":{"y":1}},"toString":1,"hasOwnProperty":2}
 */
return {
  jobStatus: 1,
  data: JSON.parse(
    '{"__proto__":{"x":1},"constructor":{"prototype":{"y":1}},"toString":1,"hasOwnProperty":2}',
  ),
}
