/**
 * Shared memory and waits on it, by which a thread stands still where nothing can stop it.
 *
 * @expected success
 * @data [[],"ArrayBuffer",false]
 */
const names = [
  'SharedArrayBuffer',
  'Atomics',
  'WeakRef',
  'FinalizationRegistry',
  'Worker',
  'MessageChannel',
  'ShadowRealm',
  'setTimeout',
  'setImmediate',
  'queueMicrotask',
  'performance',
]
const transferred = new ArrayBuffer(8).transfer()
const byClone = structuredClone(new Uint8Array(8))?.buffer?.constructor?.name
return {
  jobStatus: 1,
  data: [
    names.filter((name) => name in globalThis),
    transferred.constructor.name,
    byClone === 'SharedArrayBuffer',
  ],
}
