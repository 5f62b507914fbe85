/**
 * import() of Node's own modules, plain, in eval, in code from text, in a worker-like data address.
 *
 * @expected threw
 * @message nothing can be imported
 */
const ways = [
  () => import('node:fs'),
  () => import('fs'),
  () => import('file:///etc/passwd', { with: { type: 'json' } }),
  () => import('data:text/javascript,export default process'),
  () => eval('import("node:child_process")'),
  () => new Function('return import("node:process")')(),
  () => (async () => {}).constructor('return await import("node:vm")')(),
]
for (const way of ways) {
  const found = await (async () => way())().catch(() => undefined)
  if (found) return { jobStatus: 1, data: Object.keys(found) }
}
throw new Error('nothing can be imported')
