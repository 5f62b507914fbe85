import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LIMITS, openSandbox, type TestSandbox } from './sandbox-world.ts'

let sandbox: TestSandbox
beforeAll(() => {
  sandbox = openSandbox()
})
afterAll(() => sandbox.close())

const INPUT = `{"order":{"id":820982911946154508,"exact":0.12345678901234567890,"total":"9.50","nothing":null,
  "__proto__":{"x":1}},"items":[{"sku":"a","qty":2},{"sku":"b","qty":3}],
  "ids":[820982911946154508,0,7,-820982911946154508],"texts":{"id":"820982911946154508","zip":"007"}}`

function evaluate(expressions: string[], limits = {}) {
  return sandbox.evaluate({
    applicationId: 'shop',
    limits: { ...LIMITS, ...limits },
    expressions,
    input: INPUT,
  })
}

async function selected(expression: string): Promise<string | undefined> {
  const [outcome] = await evaluate([expression])
  if (!outcome?.ok) throw new Error(outcome?.message)
  return outcome.value
}

describe('JSONata', () => {
  test.each([
    ['order.total', '"9.50"'],
    ['$sum(items.qty)', '5'],
    ['items[qty > 2].sku', '"b"'],
    ['items.{"code": $uppercase(sku), "n": qty}', '[{"code":"A","n":2},{"code":"B","n":3}]'],
    ['$number(order.total) * 2', '19'],
    ['order.missing', undefined],
    ['order.nothing', 'null'],
    ['"x" in ["x"]', 'true'],
    ['$map([1..3], function($n) { $n * $n })', '[1,4,9]'],
  ])('%s', async (expression, value) => {
    expect(await selected(expression)).toBe(value)
  })

  test('an 18-digit id and an unholdable number come out as they went in', async () => {
    expect(await selected('order.id')).toBe('820982911946154508')
    expect(await selected('{"ids": [order.id], "n": order.exact}')).toBe(
      '{"ids":[820982911946154508],"n":0.12345678901234567890}',
    )
    expect(await selected('$string(order.id)')).toBe('"820982911946154508"')
    expect(await selected('order.id = order.id')).toBe('true')
  })

  test.each([
    ['order.id ? "has" : "none"', '"has"'],
    ['order.exact ? "has" : "none"', '"has"'],
    ['$boolean(order.id)', 'true'],
    ['$not(order.id)', 'false'],
    ['order.id and true', 'true'],
    ['false or order.id', 'true'],
    ['$boolean([0, order.id])', 'true'],
    ['$filter(ids, function($id) { $id })', '[820982911946154508,7,-820982911946154508]'],
    ['items[sku = "a" and $$.order.id].qty', '2'],
    ['items[$$.order.id]', undefined],
  ])('a long integer is true and no place in a list: %s', async (expression, value) => {
    expect(await selected(expression)).toBe(value)
  })

  test('a long integer is a number like any other by its type', async () => {
    const things =
      'order.id, order.exact, 1, "x", true, order.nothing, items, order, $sum, function($x) { $x }'
    const asked = things.replaceAll(/([^,]+)/g, '$type($1)')
    expect(await selected(`[${asked}, $type(order.missing)]`)).toBe(
      JSON.stringify([
        'number',
        'number',
        'number',
        'string',
        'boolean',
        'null',
        'array',
        'object',
        'function',
        'function',
      ]),
    )
  })

  test.each([
    ['$number(texts.id)', '820982911946154508'],
    ['texts.id.$number()', '820982911946154508'],
    ['$map([texts.id, "-1"], $number)', '[820982911946154508,-1]'],
    ['$number("0.12345678901234567890")', '0.12345678901234567890'],
    ['$number("1e400")', '1e400'],
    ['$number("0x20000000000001")', '9007199254740993'],
    ['$number("0x10") + $number(true)', '17'],
    ['$number(texts.zip) + 1', '8'],
    ['$number(order.id)', '820982911946154508'],
    ['$number(order.exact)', '0.12345678901234567890'],
    ['$number(order.missing)', undefined],
  ])('a text as a number keeps its digits: %s', async (expression, value) => {
    expect(await selected(expression)).toBe(value)
  })

  test('a text that is no number is refused in the words of JSONata', async () => {
    const outcomes = await evaluate(['$number("")', '$number("free")', '$number("Infinity")', '$number({})'])
    for (const outcome of outcomes)
      expect(outcome).toEqual({
        ok: false,
        message: expect.stringMatching(/^Unable to cast value to a number: .* \(D3030 at character 8\)$/),
      })
  })

  test.each([
    ['$base64encode("myuser:mypass")', '"bXl1c2VyOm15cGFzcw=="'],
    ['$base64decode("bXl1c2VyOm15cGFzcw==")', '"myuser:mypass"'],
    ['texts.zip.$base64encode()', '"MDA3"'],
    ['$base64decode($base64encode("é ÿ"))', '"é ÿ"'],
    ['$base64encode("")', '""'],
    ['$base64encode(order.missing)', undefined],
  ])('base64 needs nothing of Node: %s', async (expression, value) => {
    expect(await selected(expression)).toBe(value)
  })

  test('base64 of what is no byte, and of what is none, is refused', async () => {
    expect(await evaluate(['$base64encode("€")', '$base64decode("*")', '$base64encode(order.id)'])).toEqual([
      { ok: false, message: expect.stringContaining('beyond Latin-1') },
      { ok: false, message: expect.stringContaining('not base64') },
      { ok: true, value: '"ODIwOTgyOTExOTQ2MTU0NTA4"' },
    ])
  })

  test('reckoning with them is an error, and so is a literal that would be rounded', async () => {
    const outcomes = await evaluate([
      'order.id + 1',
      '$sum([order.id])',
      '$number(texts.id) + 1',
      'order.exact * 2',
      'order.id = 820982911946154508',
      '"820982911946154508"',
    ])
    expect(outcomes.map((outcome) => outcome.ok)).toEqual([false, false, false, false, false, true])
    expect(outcomes[4]).toMatchObject({ message: expect.stringContaining('too long to be exact') })
  })

  test('an error names its place and harms no neighbour', async () => {
    expect(
      await evaluate(['((', '1', '$sum("x")', '1/0', '$fail()', 'function($x) { $x }', '$sum']),
    ).toMatchObject([
      { ok: false, message: 'Expected ")" before end of expression (S0203 at character 2)' },
      { ok: true, value: '1' },
      { ok: false, message: expect.stringContaining('T0412') },
      { ok: false },
      { ok: false },
      { ok: false, message: 'the result is a function' },
      { ok: false },
    ])
  })

  test.each(['order.toString', 'order.constructor', 'order.hasOwnProperty', '$lookup(order, "constructor")'])(
    '%s reaches no prototype',
    async (expression) => {
      expect(await selected(expression)).toBeUndefined()
    },
  )
})

describe('a check', () => {
  test('parses each expression by itself and evaluates none', async () => {
    const endless = '($f := function($n) { $f($n + 1) }; $f(1))'
    expect(
      await sandbox.checkExpressions([endless, '((', '$sum(items.qty)', 'a[', '9007199254740993', '/(/']),
    ).toEqual([
      { ok: true },
      { ok: false, message: 'Expected ")" before end of expression (S0203 at character 2)' },
      { ok: true },
      { ok: false, message: expect.stringContaining('at character 2)') },
      { ok: false, message: expect.stringContaining('too long to be exact') },
      { ok: false, message: expect.stringContaining('regular expression') },
    ])
    expect(await sandbox.checkExpressions([])).toEqual([])
  })

  test('of what takes too long to parse ends, and the next one is carried out', async () => {
    const slow = `${'a.%.'.repeat(2_400)}b`
    const outcomes = await sandbox.checkExpressions(Array.from({ length: 100 }, () => slow))
    expect(outcomes).toHaveLength(100)
    // Which of the two it is depends on how busy the machine is.
    const message = expect.stringMatching(
      /^(used more than 2000 ms of processor time|took longer than 15000 ms)$/,
    )
    for (const outcome of outcomes) expect(outcome).toEqual({ ok: false, message })
    expect(await sandbox.checkExpressions(['1'])).toEqual([{ ok: true }])
    expect(await selected('1')).toBe('1')
  })

  test('of as many faults as a mapping can have names them all', async () => {
    const outcomes = await sandbox.checkExpressions(Array.from({ length: 1_000 }, (_, at) => `(${at}`))
    expect(outcomes).toEqual(
      Array.from(outcomes, () => ({ ok: false, message: expect.stringContaining('S0203') })),
    )
    expect(outcomes).toHaveLength(1_000)
  })

  test('of nesting that no stack holds is a fault, and nothing more', async () => {
    const [deep] = await sandbox.checkExpressions([`${'('.repeat(100_000)}1${')'.repeat(100_000)}`])
    expect(deep).toMatchObject({ ok: false, message: expect.stringContaining('call stack') })
  })
})

describe('limits', () => {
  test('an endless recursion ends every expression of the call, and no later one', async () => {
    const outcomes = await evaluate(['1', '($f := function($n) { $f($n + 1) }; $f(1))'], { wallMs: 60_000 })
    expect(outcomes).toEqual([
      { ok: false, message: 'used more than 400 ms of processor time' },
      { ok: false, message: 'used more than 400 ms of processor time' },
    ])
    expect(await selected('1')).toBe('1')
  })

  test('a regular expression that backtracks forever', async () => {
    const [outcome] = await evaluate([`$match("${'a'.repeat(40)}b", /^(a+)+$/)`])
    expect(outcome).toMatchObject({ ok: false })
  })

  test('memory and output', async () => {
    const [memory] = await evaluate(['($f := function($a) { $f($append($a, $a)) }; $f([1..1000]))'], {
      cpuMs: 2_500,
    })
    expect(memory).toMatchObject({ ok: false })
    const [output] = await evaluate(['[1..50000]'])
    expect(output).toEqual({ ok: false, message: 'the result is larger than 100000 bytes of JSON' })
  })

  test('nothing carries over, and a function finds no expression language', async () => {
    await sandbox.run('globalThis.jsonata = () => 1; Object.prototype.left = 1; return { jobStatus: 1 }')
    expect(await selected('order.left')).toBeUndefined()
    await evaluate(['($x := 5; $x)'])
    expect(await selected('$x')).toBeUndefined()
    expect(await sandbox.data('return { jobStatus: 1, data: typeof jsonata }')).toBe('undefined')
  })

  test('no expressions, no outcomes', async () => {
    expect(await evaluate([])).toEqual([])
  })
})
