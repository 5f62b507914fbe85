import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSandbox, type TestSandbox } from './sandbox-world.ts'

let sandbox: TestSandbox
beforeAll(() => {
  // One process, so that every call of an application meets the same isolate.
  sandbox = openSandbox(1)
})
afterAll(() => sandbox.close())

describe('nothing carries over from one call to the next', () => {
  const seen = (expression: string) => `return { jobStatus: 1, data: String(${expression}) }`

  test.each([
    ['a global', 'globalThis.left = "secret"; var alsoLeft = 1', 'typeof left'],
    [
      'the last match of a regular expression',
      '/s.*/.test("secret")',
      'RegExp.$1 + RegExp.input + RegExp["$&"] + RegExp.leftContext',
    ],
    [
      'a changed prototype',
      'Object.prototype.left = "secret"; Array.prototype.map = () => ["secret"]',
      '({}).left + [1].map((x) => x)',
    ],
    [
      'a symbol’s property',
      'Symbol.for("x").constructor.left = "secret"',
      'Symbol.for("x").constructor.left',
    ],
    ['a template object', 'const t = (s) => s; globalThis.Array.left = t`x`', 'Array.left'],
    ['JSON', 'JSON.left = "secret"; JSON.parse = () => "secret"', 'JSON.left + JSON.parse("1")'],
    ['the console', 'console.log = () => {}; console.left = "secret"', 'console.left'],
    ['Math.random', 'Math.random = () => "secret"', 'Math.random() === "secret"'],
    [
      'the format of stacks',
      'Error.prepareStackTrace = () => "secret"; Error.stackTraceLimit = 0',
      'new Error("x").stack.includes("my-function")',
    ],
    ['Intl', 'Intl.left = "secret"', 'Intl.left'],
  ])('not %s', async (_name, leave, find) => {
    const clean = await sandbox.data(seen(find))
    await sandbox.run(`${leave}\nreturn { jobStatus: 1 }`)
    expect(await sandbox.data(seen(find))).toBe(clean)
    expect(clean).not.toContain('secret')
  })

  test('not code that was left waiting', async () => {
    const leave = `const tick = async () => { await new Promise((resolve) => { globalThis.wake = resolve }); globalThis.woken = 1 }
      tick(); return { jobStatus: 1 }`
    await sandbox.run(leave)
    expect(await sandbox.data(seen('typeof woken + typeof wake'))).toBe('undefinedundefined')
  })

  test('not the payload or the log', async () => {
    await sandbox.run('console.log("secret"); return { jobStatus: 1 }', { payload: { secret: 'secret' } })
    const outcome = await sandbox.run('return { jobStatus: 1, data: jobData }')
    expect(JSON.stringify(outcome)).not.toContain('secret')
  })

  test('not the function itself: a property on it is gone', async () => {
    const body = `function counter() {} ; counter.calls = (counter.calls ?? 0) + 1
      return { jobStatus: 1, data: counter.calls }`
    for (let count = 0; count < 5; count += 1) expect(await sandbox.data(body, { version: 'same' })).toBe(1)
  })
})

test('two applications never see each other, though they share a process', async () => {
  const leave = 'globalThis.left = 1; Object.prototype.left = 1; return { jobStatus: 1 }'
  const find = 'return { jobStatus: 1, data: [typeof left, typeof ({}).left] }'
  await sandbox.run(leave, { applicationId: 'a' })
  expect(await sandbox.data(find, { applicationId: 'b' })).toEqual(['undefined', 'undefined'])
})

test('two applications may use one version name for two sources', async () => {
  const body = (what: number) => `return { jobStatus: 1, data: ${what} }`
  expect(await sandbox.data(body(1), { applicationId: 'a', version: 'v' })).toBe(1)
  expect(await sandbox.data(body(2), { applicationId: 'b', version: 'v' })).toBe(2)
})

test('hundreds of calls do not fill the isolate', { timeout: 120_000 }, async () => {
  const body = 'return { jobStatus: 1, data: job.data.data.pad.length }'
  const payload = { pad: 'x'.repeat(20_000) }
  // When each leaves its context behind, and a full isolate is not replaced, it fills up on the way.
  for (let count = 0; count < 400; count += 1)
    expect(await sandbox.data(body, { payload, version: 'many', limits: { memoryMb: 16 } })).toBe(20_000)
})
