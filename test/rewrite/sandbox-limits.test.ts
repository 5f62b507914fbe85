import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { residentBytes } from '../../src/rewrite/sandbox/process-facts.ts'
import { IS_LINUX, openSandbox, type TestSandbox } from './sandbox-world.ts'

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
  test('a stopped function keeps its log, and the place is told', async () => {
    // A busy machine may give it so little that the wall time would be over first.
    const limits = { cpuMs: 400, wallMs: 60_000 }
    const outcome = await sandbox.run('console.log("begun")\n\nfor (;;);', { limits })
    expect(outcome.message).toMatch(/^used more than 400 ms of processor time \(my-function.js, line 3\)$/)
    expect(outcome.log).toEqual([{ level: 'log', text: 'begun' }])
    expect(outcome.usage.cpuMs).toBeGreaterThan(200)
  })

  test.each([
    ['a promise', 'await new Promise(() => {})'],
    ['a thenable', 'return { then() {} }'],
  ])('%s that never settles is told at once', async (_name, body) => {
    const limits = { cpuMs: 20_000, wallMs: 20_000 }
    const outcome = await sandbox.run(`console.log("begun"); ${body}`, { limits })
    expect(outcome).toMatchObject({ ok: false, reason: 'never_settled', log: [{ text: 'begun' }] })
    expect(outcome.usage.wallMs).toBeLessThan(10_000)
  })

  test('a slow function within its limits is not harmed by them', async () => {
    const body = `const end = Date.now() + 150; while (Date.now() < end); ${RESULT}`
    expect(await sandbox.run(body)).toMatchObject({ ok: true })
  })
})

describe('a host that was stopped, or busy', () => {
  /** For longer than the function may take, and the host's grace with it. */
  const STOPPED_MS = 5_000
  const limits = { wallMs: 3_000 }

  test('takes no function for slow that was done meanwhile', async () => {
    const answer = JSON.stringify({ ok: true, status: 200, headers: {}, body: 'here', mayPass: false })
    const ask = async () => {
      // Once the answer is on its way to the function.
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STOPPED_MS))
      return answer
    }
    const body =
      'const answer = await fetchUrl("https://erp.example"); return { jobStatus: 1, data: await answer.text() }'
    expect(await sandbox.run(body, { ask, limits })).toMatchObject({ ok: true, data: '"here"' })
  })
})

describe('memory', () => {
  test('the plain case is called by its name', async () => {
    const body = 'const all = []; for (;;) all.push({ x: all.length })'
    expect(await sandbox.run(body, { limits: { cpuMs: 20_000, wallMs: 20_000 } })).toMatchObject({
      reason: 'out_of_memory',
      message: 'used more than 32 MB of memory',
    })
  })

  test.runIf(IS_LINUX)(
    'what V8 does not notice in time is killed from outside',
    { timeout: 120_000 },
    async () => {
      const [before = 0] = sandbox.pids()
      let peakBytes = 0
      const watch = setInterval(() => {
        peakBytes = Math.max(peakBytes, residentBytes(before) ?? 0)
      }, 5)
      // 960 MB in one native call: isolated-vm gives an isolate up to 1 GB more before it gives up.
      const body = 'return { jobStatus: 1, data: new Array(1.2e8).fill(1).length }'
      const outcome = await sandbox.run(body, { limits: { cpuMs: 25_000, wallMs: 100_000 } })
      clearInterval(watch)
      expect(outcome).toMatchObject({ ok: false, reason: 'out_of_memory' })
      expect(sandbox.pids()).not.toContain(before)
      expect(peakBytes).toBeLessThan(700_000_000)
    },
  )

  test('a function that stays within gets by, time and again', async () => {
    const body =
      'const all = new Array(1e5).fill(0).map((x, i) => ({ i })); return { jobStatus: 1, data: all.length }'
    for (let count = 0; count < 30; count += 1) expect(await sandbox.data(body)).toBe(100_000)
  })
})

describe('what is not there', () => {
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

  test('millions of tiny values are refused before anybody reads them', async () => {
    const limits = { outputBytesMax: 16 * 1024 * 1024, memoryMb: 128, cpuMs: 5_000 }
    const zeros = (length: number) =>
      sandbox.run(`return { jobStatus: 1, data: new Array(${length}).fill(0) }`, { limits })
    expect(await zeros(500_001)).toMatchObject({
      ok: false,
      reason: 'output_too_large',
      message: 'data has 500001 keys and elements, more than 500000',
    })
    expect(await zeros(500_000)).toMatchObject({ ok: true })
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
