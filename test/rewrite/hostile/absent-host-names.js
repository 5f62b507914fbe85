/**
 * What Node, isolated-vm and the expression language would be called.
 *
 * @expected success
 * @data []
 */
const names = [
  'process',
  'require',
  'module',
  'exports',
  'global',
  'Buffer',
  'fetch',
  'jsonata',
  'gc',
  'ivm',
  '_ivm',
  '$',
  '__filename',
  '__dirname',
  'navigator',
  'window',
  'self',
  'Deno',
  'Bun',
]
return { jobStatus: 1, data: names.filter((name) => name in globalThis) }
