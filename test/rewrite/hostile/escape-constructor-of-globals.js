/**
 * The classic way out of vm: the constructor of a constructor that belongs to the host.
 *
 * @expected threw
 * @message nothing of the host
 */
const suspects = [
  globalThis,
  this,
  job,
  jobData,
  integration,
  currentNode,
  job.data.data,
  console,
  console.log,
  JSON,
  Math,
  fetchUrl,
]
const found = suspects.map((one) =>
  one?.constructor?.constructor?.('return typeof process + typeof require')?.(),
)
if (found.some((types) => types !== undefined && types !== 'undefinedundefined'))
  return { jobStatus: 1, data: found }
throw new Error('nothing of the host')
