/**
 * Changes prototypes for whoever comes next.
 *
 * @expected success
 * @data ["undefined",2,"A",2,"undefined"]
 */
const found = [
  typeof {}.left,
  [1, 2].map((x) => x).length,
  'a'.toUpperCase(),
  Math.max(1, 2),
  typeof JSON.left,
]
Object.prototype.left = 'secret'
Array.prototype.map = () => ['secret']
String.prototype.toUpperCase = () => 'secret'
Math.max = () => 'secret'
JSON.left = 'secret'
return { jobStatus: 1, data: found }
