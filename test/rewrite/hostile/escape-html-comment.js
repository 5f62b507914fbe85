/**
 * Comments of the old web, by which one line means two things.
 *
 * @expected success
 * @data 1
 */
let n = 1
<!-- n = 2
--> n = 3
return { jobStatus: 1, data: n }
