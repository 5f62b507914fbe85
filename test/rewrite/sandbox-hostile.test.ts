import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { residentBytes } from '../../src/rewrite/sandbox/process-facts.ts'
import { LIMITS, openSandbox, type TestSandbox } from './sandbox-world.ts'

let sandbox: TestSandbox
beforeAll(() => {
  sandbox = openSandbox()
})
afterAll(() => sandbox.close())
/** Whatever happened before, the next function is served. */
afterEach(async () => {
  expect(await sandbox.data('return { jobStatus: 1, data: 7 }')).toBe(7)
})

const RESULT = 'return { jobStatus: 1 }'

describe('time', () => {
  test.each([
    ['a loop', 'for (;;);'],
    ['a loop of awaits', 'for (;;) await 0'],
    ['a loop left running after the return', `(async () => { for (;;) await 0 })(); ${RESULT}`],
    ['a regular expression', '/^(a+)+$/.test("a".repeat(40) + "b")'],
    ['a getter of the result', 'return { get jobStatus() { for (;;); } }'],
    ['a getter in the data', 'return { jobStatus: 1, data: { get x() { for (;;); } } }'],
    ['a toJSON in the data', 'return { jobStatus: 1, data: { toJSON() { for (;;); } } }'],
    ['a proxy as the data', 'return { jobStatus: 1, data: new Proxy({}, { ownKeys() { for (;;); } }) }'],
    ['a then', 'return { get then() { for (;;); } }'],
    ['a trap in the thrown', 'throw { get message() { for (;;); } }'],
    ['a trap in the logged', `console.log({ get x() { for (;;); } }); ${RESULT}`],
    ['a catch around the loop', 'for (;;) try { for (;;); } catch {} finally { for (;;); }'],
    ['a stack formatter', 'Error.prepareStackTrace = () => { for (;;); }; null.x'],
  ])('%s is stopped', async (_name, body) => {
    const startedAt = performance.now()
    expect(await sandbox.run(body)).toMatchObject({ ok: false, reason: 'timed_out' })
    expect(performance.now() - startedAt).toBeLessThan(LIMITS.wallMs + 2_000)
  })

  test('a storm of promises is stopped by its time or its memory', async () => {
    const body = `const f = () => { Promise.resolve().then(f); Promise.resolve().then(f) }; f(); ${RESULT}`
    const outcome = await sandbox.run(body)
    expect(['timed_out', 'out_of_memory']).toContain(outcome.ok ? 'success' : outcome.reason)
  })

  test('a stopped function keeps its log, and the place is told', async () => {
    // A busy machine may give it so little that the wall time would be over first.
    const limits = { cpuMs: 400, wallMs: 60_000 }
    const outcome = await sandbox.run('console.log("begun")\n\nfor (;;);', { limits })
    expect(outcome.message).toMatch(/^used more than 400 ms of processor time \(my-function.js, line 3\)$/)
    expect(outcome.log).toEqual([{ level: 'log', text: 'begun' }])
    expect(outcome.usage.cpuMs).toBeGreaterThan(200)
  })

  test('one native call that cannot be interrupted is killed from outside', async () => {
    const [before] = sandbox.pids()
    const limits = { cpuMs: 200, wallMs: 300 }
    const startedAt = performance.now()
    const outcome = await sandbox.run('return { jobStatus: 1, data: String(7n ** 90000000n).length }', {
      limits,
    })
    expect(outcome).toMatchObject({ ok: false, reason: 'timed_out' })
    expect(performance.now() - startedAt).toBeLessThan(2_500)
    expect(sandbox.pids()).not.toContain(before)
  })

  test.each([
    ['a promise', 'await new Promise(() => {})'],
    ['a thenable', 'return { then() {} }'],
  ])('%s that never settles is told at once', async (_name, body) => {
    const outcome = await sandbox.run(`console.log("begun"); ${body}`)
    expect(outcome).toMatchObject({ ok: false, reason: 'never_settled', log: [{ text: 'begun' }] })
    expect(outcome.usage.wallMs).toBeLessThan(LIMITS.cpuMs)
  })

  test('a slow function within its limits is not harmed by them', async () => {
    const body = `const end = Date.now() + 150; while (Date.now() < end); ${RESULT}`
    expect(await sandbox.run(body)).toMatchObject({ ok: true })
  })
})

describe('memory', () => {
  test.each([
    ['many objects', 'const all = []; for (;;) all.push({ x: all.length })'],
    ['one gigantic array', 'return { jobStatus: 1, data: new Array(1e8).fill(1).length }'],
    ['a growing map', 'const map = new Map(); for (let i = 0; ; i++) map.set(i, {})'],
    ['a doubling text', 'let text = "ab"; for (;;) text += text + text.charCodeAt(text.length - 1)'],
    ['a deep structure', 'let a = []; for (;;) a = [a, a.length, {}]'],
  ])('%s end as a failure', async (_name, body) => {
    const outcome = await sandbox.run(body, { limits: { cpuMs: 2_500 } })
    expect(outcome.ok).toBe(false)
    expect(['out_of_memory', 'threw', 'timed_out']).toContain(outcome.ok ? '' : outcome.reason)
  })

  test('the plain case is called by its name', async () => {
    const body = 'const all = []; for (;;) all.push({ x: all.length })'
    expect(await sandbox.run(body, { limits: { cpuMs: 2_500 } })).toMatchObject({
      reason: 'out_of_memory',
      message: 'used more than 32 MB of memory',
    })
  })

  test.runIf(process.platform === 'linux')(
    'what V8 does not notice in time is killed from outside',
    async () => {
      const [before = 0] = sandbox.pids()
      let peakBytes = 0
      const watch = setInterval(() => {
        peakBytes = Math.max(peakBytes, residentBytes(before) ?? 0)
      }, 5)
      // 960 MB in one native call: isolated-vm gives an isolate up to 1 GB more before it gives up.
      const body = 'return { jobStatus: 1, data: new Array(1.2e8).fill(1).length }'
      const outcome = await sandbox.run(body, { limits: { cpuMs: 10_000, wallMs: 20_000 } })
      clearInterval(watch)
      expect(outcome).toMatchObject({ ok: false, reason: 'out_of_memory' })
      expect(sandbox.pids()).not.toContain(before)
      expect(peakBytes).toBeLessThan(700_000_000)
    },
  )

  test('buffers count', async () => {
    const body = 'const all = []; for (;;) all.push(new ArrayBuffer(1e6))'
    expect(await sandbox.run(body)).toMatchObject({
      ok: false,
      reason: 'threw',
      message: /Array buffer allocation failed/,
    })
  })

  test('a function that stays within gets by, time and again', async () => {
    const body =
      'const all = new Array(1e5).fill(0).map((x, i) => ({ i })); return { jobStatus: 1, data: all.length }'
    for (let count = 0; count < 30; count += 1) expect(await sandbox.data(body)).toBe(100_000)
  })
})

describe('what is not there', () => {
  test('anything that escapes the limits, and anything of the host', async () => {
    const names = [
      'WebAssembly',
      'SharedArrayBuffer',
      'Atomics',
      'FinalizationRegistry',
      'WeakRef',
      'process',
      'require',
      'module',
      'global',
      'Buffer',
      'setTimeout',
      'queueMicrotask',
      'fetch',
      'jsonata',
      'gc',
      'ivm',
    ]
    const body = `return { jobStatus: 1, data: ${JSON.stringify(names)}.filter((name) => name in globalThis) }`
    expect(await sandbox.data(body)).toEqual([])
  })

  test('the global object holds the language, what is documented, and no more', async () => {
    const body = `const known = new Set(${JSON.stringify(['job', 'jobData', 'integration', 'currentNode', 'queueManager'])})
      return { jobStatus: 1, data: Object.getOwnPropertyNames(globalThis).filter((n) => /^[a-z]/.test(n) && !known.has(n)).sort() }`
    expect(await sandbox.data(body)).toEqual([
      'atob',
      'btoa',
      'console',
      'decodeURI',
      'decodeURIComponent',
      'encodeURI',
      'encodeURIComponent',
      'escape',
      'eval',
      'fetchUrl',
      'globalThis',
      'isFinite',
      'isNaN',
      'parseFloat',
      'parseInt',
      'structuredClone',
      'undefined',
      'unescape',
    ])
  })

  test.each([
    ['constructor of a function', 'return (() => 1).constructor("return process")()'],
    ['constructor of console.log', 'return console.log.constructor("return process")()'],
    ['constructor of the payload', 'return job.constructor.constructor("return process")()'],
    ['constructor of the queue manager', 'return queueManager.constructor("return process")()'],
    ['constructor of an async function', 'return (async () => 1).constructor("return process")()'],
    [
      'constructor of a caught error',
      'try { null.x } catch (e) { return e.constructor.constructor("return process")() }',
    ],
    [
      'an overflow inside console',
      'const f = () => { try { f() } catch (e) { console.log(e.constructor.constructor("return process")()) } }; f(); throw 1',
    ],
    ['import()', 'return await import("node:fs")'],
    ['import() in eval', 'return await eval("import(\'node:fs\')")'],
    ['import() from Function', 'return await new Function("return import(\'node:fs\')")()'],
    ['caller', 'function f() { return f.caller.constructor("return process")() } return f()'],
    [
      'call sites',
      'Error.prepareStackTrace = (e, sites) => sites.map((s) => s.getThis() || s.getFunction()).filter(Boolean); const found = new Error().stack; return found[0].process.env',
    ],
    [
      'Symbol.species',
      'class P extends Promise { static get [Symbol.species]() { return process } } return await new P((r) => r(1)).then((x) => x)',
    ],
  ])('%s leads nowhere', async (_name, body) => {
    expect(await sandbox.run(body)).toMatchObject({ ok: false })
  })

  test('the call sites of a stack trace show no function of the realm', async () => {
    const body = `Error.prepareStackTrace = (e, sites) => sites
        .filter((site) => !String(site.getFileName()).startsWith('my-function'))
        .map((site) => [typeof site.getFunction(), typeof site.getThis()])
      let seen
      console.log({ get x() { seen = new Error().stack; return 1 } })
      return { jobStatus: 1, data: seen.flat().filter((type) => type !== 'undefined') }`
    expect(await sandbox.data(body)).toEqual([])
  })
})

describe('output', () => {
  test.each([
    ['a long text', '"x".repeat(200000)'],
    ['a text of two-byte characters', '"ä".repeat(60000)'],
    ['a gigantic text', '"x".repeat(2 ** 29 - 24)'],
    ['a gigantic key', '({ ["x".repeat(200000)]: 1 })'],
    ['an endless array', 'new Array(4e9)'],
    [
      'an array that lies about its length',
      'new Proxy([], { get: (t, k) => (k === "length" ? 1e300 : k === "toJSON" ? undefined : t[k]) })',
    ],
    ['a wide object', 'Object.fromEntries(Array.from({ length: 30000 }, (_, i) => ["k" + i, 1]))'],
    [
      'one object a thousand times',
      '(() => { const a = { x: "y".repeat(1000) }; return new Array(1000).fill(a) })()',
    ],
  ])('%s is refused before it leaves', async (_name, data) => {
    expect(await sandbox.run(`return { jobStatus: 1, data: ${data} }`)).toMatchObject({
      ok: false,
      reason: 'output_too_large',
      message: 'data is larger than 100000 bytes of JSON',
    })
  })

  test('the limit is exact', async () => {
    const body = (length: number) => `return { jobStatus: 1, data: "x".repeat(${length}) }`
    expect(await sandbox.run(body(99_998))).toMatchObject({ ok: true })
    expect(await sandbox.run(body(99_999))).toMatchObject({ reason: 'output_too_large' })
  })

  test('a message of any length is cut', async () => {
    const outcome = await sandbox.run('return { jobStatus: 0, message: "m".repeat(1e6) }')
    expect(outcome.message.length).toBeLessThan(3_000)
    const thrown = await sandbox.run('throw new Error("m".repeat(1e6))')
    expect(thrown.message.length).toBeLessThan(3_000)
  })
})

describe('the log', () => {
  test('a flood of lines is cut and counted', async () => {
    const { log } = await sandbox.run(
      'for (let i = 0; i < 1000; i++) console.log(i); return { jobStatus: 1 }',
    )
    expect(log.slice(0, 20).map((line) => line.text)).toEqual(Array.from({ length: 20 }, (_, i) => String(i)))
    expect(log.slice(20)).toEqual([
      {
        level: 'note',
        text: 'the log has reached its limit (its number of lines); 980 later lines were dropped',
      },
    ])
  })

  test.each([
    ['a text', '"ä".repeat(10000)'],
    ['an object', '({ list: new Array(10000).fill("ä") })'],
    ['many arguments', '...new Array(10000).fill("ä")'],
    ['a map', 'new Map(Array.from({ length: 10000 }, (_, i) => [i, "ä"]))'],
    ['an object whose keys are long', '({ ["ä".repeat(1e6)]: 1 })'],
    ['a function whose name is long', 'Object.defineProperty(() => 1, "name", { value: "ä".repeat(1e6) })'],
    ['an error whose message is long', 'new Error("ä".repeat(1e6))'],
  ])('%s too long is cut at the limit of bytes', async (_name, argument) => {
    const outcome = await sandbox.run(`console.log(${argument}); console.log(1); return { jobStatus: 1 }`)
    expect(outcome).toMatchObject({ ok: true })
    const { log } = outcome
    expect(Buffer.byteLength(log[0]?.text ?? '')).toBeLessThanOrEqual(4_000 + 3)
    expect(Buffer.byteLength(log[0]?.text ?? '')).toBeGreaterThan(3_900)
    expect(log[1]?.text).toMatch(/limit \(4000 bytes\); 1 later line was dropped/)
    expect(log).toHaveLength(2)
  })
})

describe('breaking the language', () => {
  test.each([
    [
      'every array method',
      'for (const k of Object.getOwnPropertyNames(Array.prototype)) if (k !== "constructor") try { Array.prototype[k] = () => { throw 1 } } catch {}',
    ],
    [
      'every string method',
      'for (const k of Object.getOwnPropertyNames(String.prototype)) if (k !== "length") String.prototype[k] = () => { throw 1 }',
    ],
    ['JSON', 'JSON.stringify = JSON.parse = () => { throw 1 }; delete globalThis.JSON'],
    [
      'toJSON everywhere',
      'Object.defineProperty(Object.prototype, "zzz", { value: 1 }); Array.prototype.toJSON = String.prototype.toJSON = () => "no"',
    ],
    ['Object and Reflect', 'Object.keys = Reflect.apply = Object.defineProperty = () => { throw 1 }'],
    [
      'every global',
      'for (const k of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[k] } catch {}',
    ],
    ['iteration', 'Array.prototype[Symbol.iterator] = () => { throw 1 }'],
  ])('%s: the result is still read', async (_name, sabotage) => {
    expect(await sandbox.run(`${sabotage}\nreturn { jobStatus: 1, data: { a: "b" } }`)).toMatchObject({
      ok: true,
      data: '{"a":"b"}',
    })
  })

  test('toJSON on everything: the log and the verdict keep their form', async () => {
    const sabotage = 'Array.prototype.toJSON = Object.prototype.toJSON = () => "no"; console.log("kept")'
    expect(await sandbox.run(`${sabotage}; return { jobStatus: 1, data: 5 }`)).toMatchObject({
      ok: true,
      data: '5',
      log: [{ level: 'log', text: 'kept' }],
    })
  })

  test.each([
    ['promises', 'Promise.prototype.then = () => { for (;;); }'],
    [
      'a prototype with setters on indices',
      'for (let i = 0; i < 50; i++) Object.defineProperty(Array.prototype, i, { set() { throw 1 } })',
    ],
    [
      'a toJSON that cannot be removed',
      'Object.defineProperty(Object.prototype, "toJSON", { value: () => "no" })',
    ],
  ])('%s: it ends one way or the other', async (_name, sabotage) => {
    const outcome = await sandbox.run(
      `${sabotage}\nconsole.log(1); return { jobStatus: 1, data: { a: [1] } }`,
    )
    expect(typeof outcome.ok).toBe('boolean')
  })
})
