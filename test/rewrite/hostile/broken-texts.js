/**
 * Makes every method of texts throw.
 *
 * @expected success
 * @data {"a":"b"}
 */
for (const name of Object.getOwnPropertyNames(String.prototype))
  if (name !== 'length')
    String.prototype[name] = () => {
      throw 1
    }
return { jobStatus: 1, data: { a: 'b' } }
