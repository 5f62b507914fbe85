/**
 * A thousand times the same object, nested: small in memory, gigantic in JSON.
 *
 * @expected output_too_large
 */
let data = 'x'.repeat(100)
for (let level = 0; level < 60; level += 1) data = [data, data]
return { jobStatus: 1, data }
