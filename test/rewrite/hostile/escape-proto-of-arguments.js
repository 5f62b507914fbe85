/**
 * Replaces the prototypes of what it was given, to be called with objects of the host.
 *
 * @expected success
 * @data 0
 */
const seen = []
const given = [job, integration, currentNode, job.data]
for (const one of given)
  Object.setPrototypeOf(one, new Proxy({}, { get: (_target, _key, receiver) => void seen.push(receiver) }))
await job.anything
console.log(jobData)
JSON.stringify(jobData)
return { jobStatus: 1, data: seen.filter((receiver) => !given.includes(receiver)).length }
