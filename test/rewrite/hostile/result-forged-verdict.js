/**
 * Setters on every name that the sandbox uses for its verdict.
 *
 * @expected success, bad_return
 * @data 1
 */
for (const name of ['settled', 'ok', 'reason', 'hasData', 'log', 'verdict', 'level', 'text', 'problem'])
  Object.defineProperty(Object.prototype, name, {
    set() {
      for (;;);
    },
    get: () => 'forged',
  })
console.log('said')
return { jobStatus: 1, data: 1, message: 'mine' }
