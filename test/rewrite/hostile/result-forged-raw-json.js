/**
 * Raw JSON is text that is written as it stands: tries to have its own taken for it.
 *
 * @expected success
 * @data [{"rawJSON":"}{"},0,{}]
 */
const forged = Object.freeze({ __proto__: null, rawJSON: '}{' })
const tricked = []
for (const text of ['}{', '1,2', '"', '{}', '', ' 1', '\n1'])
  try {
    tricked.push(JSON.rawJSON(text))
  } catch {}
return { jobStatus: 1, data: [forged, tricked.length, Object.create(JSON.rawJSON('1'))] }
