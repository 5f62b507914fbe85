import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSandbox, type TestSandbox } from './sandbox-world.ts'

let sandbox: TestSandbox
beforeAll(() => {
  sandbox = openSandbox()
})
afterAll(() => sandbox.close())

describe('what a function is given', () => {
  test('jobData, and the same four names bare', async () => {
    const body = `return { jobStatus: 1, data: [
      job === jobData.job, integration === jobData.integration, currentNode === jobData.currentNode,
      queueManager === jobData.queueManager, job.id, job.source.name, integration.id, currentNode.name, job.data.data.x] }`
    expect(await sandbox.data(body, { payload: { x: 1 } })).toEqual([
      true,
      true,
      true,
      true,
      'job-1',
      'shopify',
      'i-1',
      'first',
      1,
    ])
  })

  test('each name can be declared anew, by let, const, var, class and function', async () => {
    const body = `let job = jobData.job; const integration = 1; var currentNode = 2; class queueManager {}
      { function jobData() {} }
      return { jobStatus: 1, data: [job.id, integration, currentNode, typeof queueManager] }`
    // A function in a block becomes a variable of the whole body, so this body shadows jobData before it reads it.
    expect(await sandbox.run(body)).toMatchObject({ ok: false, reason: 'threw' })
    expect(await sandbox.data(body.replace('{ function jobData() {} }', ''))).toEqual([
      'job-1',
      1,
      2,
      'function',
    ])
  })

  test('await at the top level', async () => {
    expect(await sandbox.data('const x = await Promise.resolve(3); return { jobStatus: 1, data: x }')).toBe(3)
  })

  test('dates, locales, time zones, base64 and a deep copy', async () => {
    const body = `const when = new Date(0)
      const copy = structuredClone({ when, list: [1n], map: new Map([[1, { a: 1 }]]) })
      return { jobStatus: 1, data: [
        when.toLocaleString('cs-CZ', { timeZone: 'Europe/Prague' }),
        new Intl.NumberFormat('de-DE', { style: 'currency', currency: 'EUR' }).format(1234.5),
        btoa('Zo\\u00eb!'), atob(btoa('Zo\\u00eb!')) === 'Zo\\u00eb!', atob('aGk='), btoa(''),
        copy.when, copy.when !== when, copy.list, copy.map.get(1)] }`
    expect(await sandbox.data(body)).toEqual([
      '1. 1. 1970 1:00:00',
      '1.234,50\u00a0€',
      'Wm/rIQ==',
      true,
      'hi',
      '',
      '1970-01-01T00:00:00.000Z',
      true,
      [1],
      { a: 1 },
    ])
  })
})

describe('a body is parsed by itself', () => {
  test.each([
    ['a closing brace and more code', '};globalThis.x = 1;{'],
    ['a whole second function', '}) ; (function () {'],
    ['the end of a comment', '*/ return 1 /*'],
    ['an import', 'import fs from "node:fs"'],
    ['an open string', 'return "'],
    ['an open template', 'return `'],
    ['an open comment', 'return { jobStatus: 1 } /*'],
  ])('%s is a syntax error', async (_name, body) => {
    expect(await sandbox.run(body)).toMatchObject({ ok: false, reason: 'syntax' })
    expect(await sandbox.check(body)).toMatchObject({ ok: false })
  })

  test('a comment at the end breaks nothing', async () => {
    expect(await sandbox.run('return { jobStatus: 1 } // the end')).toMatchObject({ ok: true })
  })

  test('a check says where the error stands', async () => {
    expect(await sandbox.check('return {}\n  let x = ;')).toEqual({
      ok: false,
      message: "SyntaxError: Unexpected token ';'",
      line: 2,
      column: 11,
    })
    expect(await sandbox.check('call(\n\n')).toMatchObject({ ok: false, line: 3 })
    expect(await sandbox.check('const a = await 1; return a')).toEqual({ ok: true })
  })

  test('a check runs nothing', async () => {
    expect(await sandbox.check('for (;;);')).toEqual({ ok: true })
  })
})

describe('what a function returns', () => {
  test.each([
    ['nothing', '', 'no_return'],
    ['undefined', 'return', 'no_return'],
    ['a number', 'return 1', 'bad_return'],
    ['null', 'return null', 'bad_return'],
    ['an array', 'return [{ jobStatus: 1 }]', 'bad_return'],
    ['no jobStatus', 'return { data: 1 }', 'bad_return'],
    ['jobStatus 0', 'return { jobStatus: 0 }', 'said_no'],
    ['jobStatus "1"', 'return { jobStatus: "1" }', 'said_no'],
    ['jobStatus true', 'return { jobStatus: true }', 'said_no'],
    ['jobStatus null', 'return { jobStatus: null }', 'said_no'],
  ])('%s is a failure', async (_name, body, reason) => {
    const outcome = await sandbox.run(body)
    expect(outcome).toMatchObject({ ok: false, reason })
    expect(outcome.message).not.toBe('')
  })

  test('the message of a refusal is its reason', async () => {
    expect(await sandbox.run('return { jobStatus: 2, message: "no stock" }')).toMatchObject({
      ok: false,
      reason: 'said_no',
      message: 'no stock',
    })
  })

  test('no data is no data, null is null', async () => {
    expect(await sandbox.run('return { jobStatus: 1, message: "done" }')).toMatchObject({
      ok: true,
      message: 'done',
      data: undefined,
    })
    expect(await sandbox.run('return { jobStatus: 1, data: null }')).toMatchObject({ ok: true, data: 'null' })
  })

  test('undefined, functions and symbols go as in JSON; dates and toJSON too', async () => {
    const body = `class Money { constructor(n) { this.n = n } }
      return { jobStatus: 1, data: { a: undefined, b: () => 1, c: Symbol(), d: [undefined, () => 1, Symbol()],
      e: new Date(0), f: { toJSON: (key) => key + '!' }, g: new Money(1), h: new String('s'), i: Object(2n),
      j: -0, k: 1e21, l: new Uint8Array(2) } }`
    expect(await sandbox.run(body)).toMatchObject({
      data:
        '{"d":[null,null,null],"e":"1970-01-01T00:00:00.000Z","f":"f!","g":{"n":1},"h":"s","i":2,"j":0,' +
        '"k":1e+21,"l":{"0":0,"1":0}}',
    })
  })

  test.each([
    ['NaN', '{ a: { b: [1, NaN] } }', 'data.a.b[1] is NaN'],
    ['Infinity', '[-Infinity]', 'data[0] is -Infinity'],
    ['an invalid date', '{ at: new Date("x") }', 'data.at is an invalid Date'],
    ['a map', '{ m: new Map() }', 'data.m is a Map'],
    ['a set', '[new Set()]', 'data[0] is a Set'],
    ['a forgotten await', '[1].map(async (x) => x)', 'data[0] is a Promise'],
    ['an odd key', '{ "a.b": NaN }', 'data["a.b"] is NaN'],
    ['a cycle', '(() => { const a = { b: [] }; a.b.push(a); return a })()', 'data.b[0] contains itself'],
    [
      'endless depth',
      '(() => { let a = 1; for (let i = 0; i < 5000; i++) a = [a]; return a })()',
      'deeper than 1000',
    ],
    ['a throwing getter', '{ get x() { throw new Error("trap") } }', 'reading data.x failed: Error: trap'],
    ['a throwing proxy', 'new Proxy({}, { ownKeys() { throw new Error("trap") } })', 'reading data failed'],
    [
      'an object that grows forever',
      '(function grow() { return { get x() { return grow() } } })()',
      'deeper than',
    ],
  ])('%s in the data fails and names its path', async (_name, data, message) => {
    const outcome = await sandbox.run(`return { jobStatus: 1, data: ${data} }`)
    expect(outcome).toMatchObject({ ok: false, reason: 'bad_return' })
    expect(outcome.message).toContain(message)
  })

  test('the same object twice is no cycle', async () => {
    expect(await sandbox.data('const a = { x: 1 }; return { jobStatus: 1, data: [a, a, { a }] }')).toEqual([
      { x: 1 },
      { x: 1 },
      { a: { x: 1 } },
    ])
  })

  test('keys that mean something to JavaScript are data on both sides', async () => {
    const text =
      '{"__proto__":{"a":1},"constructor":2,"toString":3,"hasOwnProperty":4,"then":5,"":6,"toJSON":7}'
    const kept = await sandbox.run('return { jobStatus: 1, data: job.data.data }', { payloadText: text })
    expect(kept).toMatchObject({ ok: true, data: text })
    const copied = await sandbox.run(
      'const out = {}; for (const k of ["constructor", "toString", "valueOf"]) out[k] = k; return { jobStatus: 1, data: out }',
    )
    expect(copied).toMatchObject({
      data: '{"constructor":"constructor","toString":"toString","valueOf":"valueOf"}',
    })
  })

  test('ordinary habits work: naming an error, extending a prototype, patching a built-in', async () => {
    const body = `const e = new Error('x'); e.name = 'MyError'; e.message = 'y'
      Array.prototype.last = function () { return this[this.length - 1] }
      return { jobStatus: 1, data: [String(e), [1, 2].last()] }`
    expect(await sandbox.data(body)).toEqual(['MyError: y', 2])
  })
})

describe('what a function throws', () => {
  test('has name, message and line', async () => {
    expect(await sandbox.run('const a = 1\n\nnull.x')).toMatchObject({
      reason: 'threw',
      message: "TypeError: Cannot read properties of null (reading 'x') (my-function.js, line 3)",
    })
  })

  test('the line is the one in the function, however deep the error rose', async () => {
    expect(await sandbox.run('function f() {\n  [1].map(() => JSON.parse("{"))\n}\nf()')).toMatchObject({
      message: expect.stringContaining('(my-function.js, line 2)'),
    })
  })

  test.each([
    ['a text', 'throw "no"', 'threw no'],
    ['nothing', 'throw undefined', 'threw undefined'],
    ['a bare object', 'throw { message: "from a library" }', 'threw from a library'],
    [
      'an error whose message is a trap',
      'throw { get message() { throw 1 } }',
      'threw something that throws',
    ],
    [
      'a proxy full of traps',
      'throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })',
      'threw something',
    ],
    ['a rejection', 'await Promise.reject(new RangeError("far"))', 'RangeError: far'],
  ])('%s is told as well as it can be', async (_name, body, message) => {
    const outcome = await sandbox.run(body)
    expect(outcome).toMatchObject({ ok: false, reason: 'threw' })
    expect(outcome.message).toContain(message)
  })

  test('a rejection that nobody handled is in the log and fails nothing', async () => {
    const outcome = await sandbox.run('Promise.reject(new Error("lost")); return { jobStatus: 1 }')
    expect(outcome).toMatchObject({ ok: true })
    expect(outcome.log).toEqual([
      { level: 'error', text: 'a promise was rejected and nobody handled it: lost' },
    ])
  })
})

describe('the log', () => {
  test('keeps the level and prints what is given', async () => {
    const body = `console.log('a', 1, 2n ** 64n, null, undefined, true, Symbol('s'))
      console.info({ id: 912345678901234567n, list: [1, 'x', undefined], f() {} })
      console.warn(new Map([['k', new Set([1])]]), /x/g, new Date(0))
      console.error(new Error('broken'))
      console.debug([new Error('inside')])
      return { jobStatus: 1 }`
    const { log } = await sandbox.run(body)
    expect(log).toEqual([
      { level: 'log', text: 'a 1 18446744073709551616 null undefined true Symbol(s)' },
      { level: 'info', text: '{"id":912345678901234567,"list":[1,"x",undefined],"f":[Function f]}' },
      { level: 'warn', text: 'Map{"k"=>Set{1}} /x/g 1970-01-01T00:00:00.000Z' },
      { level: 'error', text: 'Error: broken\n    at my-function.js:4:21' },
      { level: 'debug', text: '[[Error: inside]]' },
    ])
  })

  test('suffers cycles, traps and depth', async () => {
    const body = `const cycle = { name: 'c' }; cycle.self = cycle
      let deep = 1; for (let i = 0; i < 100; i++) deep = [deep]
      console.log(cycle, { get x() { throw new Error('trap') }, y: 1 }, new Proxy({}, { ownKeys() { throw 1 } }))
      console.log(deep)
      console.log({ toString() { throw 1 } }, Object.create(null))
      return { jobStatus: 1 }`
    const { log } = await sandbox.run(body)
    expect(log.map((line) => line.text)).toEqual([
      '{"name":"c","self":[Circular]} {"x":[threw: trap],"y":1} [threw: something]',
      '[[[[[[[[[[[[[…]]]]]]]]]]]]]',
      '{"toString":[Function toString]} {}',
    ])
  })

  test('is there for a failure too', async () => {
    const { log } = await sandbox.run('console.log("before"); throw 1')
    expect(log).toEqual([{ level: 'log', text: 'before' }])
  })

  test('holds nothing that a database cannot store', async () => {
    const outcome = await sandbox.run('console.log("a\\0b\\ud800"); return { jobStatus: 0, message: "\\0" }')
    expect(outcome.log[0]?.text).toBe('a\u{FFFD}b\u{FFFD}')
    expect(outcome.message).toBe('\u{FFFD}')
  })
})

describe('the queue manager', () => {
  test.each([
    'queueManager.add({})',
    'queueManager()',
    'new queueManager()',
    'queueManager.x = 1',
    '"add" in queueManager',
    '[...queueManager]',
    'for (const key in queueManager);',
    'JSON.stringify(queueManager)',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the function's template, not ours
    '`${queueManager}`',
    'const { add } = queueManager',
    'delete queueManager.x',
    'Object.keys(queueManager)',
    'queueManager?.add',
    'Object.getPrototypeOf(queueManager)',
    'Object.defineProperty(queueManager, "x", {})',
    'queueManager + ""',
  ])('%s says what to do instead', async (use) => {
    const outcome = await sandbox.run(use)
    expect(outcome).toMatchObject({ ok: false, reason: 'threw' })
    expect(outcome.message).toMatch(/^Error: Sluice has no queue manager: .*Return what is to be sent/)
  })

  test('can be passed around', async () => {
    const body = `const { job, queueManager: mine } = jobData
      const through = await (async (x) => x)(mine)
      const held = [{ mine }].map((x) => x)[0]
      console.log(mine, jobData.queueManager ? 'there' : 'not there')
      JSON.stringify(jobData); ({ ...jobData }); console.log(jobData)
      return { jobStatus: 1, data: [through === mine, held.mine === queueManager, mine == null, !mine] }`
    expect(await sandbox.data(body)).toEqual([true, true, false, false])
    expect((await sandbox.run(body)).log[0]?.text).toBe('[queueManager: Sluice has none] there')
  })
})
