/**
 * Deletes every global.
 *
 * @expected success
 * @data {"a":"b"}
 */
for (const name of Object.getOwnPropertyNames(globalThis))
  try {
    delete globalThis[name]
  } catch {}
return { jobStatus: 1, data: { a: 'b' } }
