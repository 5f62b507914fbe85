import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Json, parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import { openSandbox, type TestSandbox } from './sandbox-world.ts'

let sandbox: TestSandbox
beforeAll(() => {
  sandbox = openSandbox()
})
afterAll(() => sandbox.close())

const PASS = 'return { jobStatus: 1, data: job.data.data }'

describe('integers beyond 2^53', () => {
  test('are bigints inside and exact on return', async () => {
    const body = `const { id, small } = job.data.data
      return { jobStatus: 1, data: { id, type: typeof id, small: typeof small, next: id + 1n, text: \`\${id}\` } }`
    expect(
      await sandbox.run(body, { payloadText: '{"id":820982911946154508,"small":9007199254740991}' }),
    ).toMatchObject({
      data: '{"id":820982911946154508,"type":"bigint","small":"number","next":820982911946154509,"text":"820982911946154508"}',
    })
  })

  test('of any size pass through', async () => {
    const bigints: fc.Arbitrary<Json> = fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n })
    const values = fc.array(fc.oneof(bigints, fc.jsonValue() as fc.Arbitrary<Json>), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(values, async (payload) => {
        const payloadText = stringifyExact(payload)
        const outcome = await sandbox.run(PASS, { payloadText, version: 'pass' })
        expect(outcome).toMatchObject({ ok: true, data: stringifyExact(parseExact(payloadText)) })
      }),
      { numRuns: 150 },
    )
  })

  test('survive JSON.stringify, the copying idiom, replacers and revivers', async () => {
    const body = `const order = job.data.data
      return { jobStatus: 1, data: {
        text: JSON.stringify(order), copy: JSON.parse(JSON.stringify(order)),
        replaced: JSON.stringify(order, (k, v) => (typeof v === 'bigint' ? 'big' : v)),
        kept: JSON.stringify(order, (k, v) => v), picked: JSON.stringify({ ...order, b: 1 }, ['id']),
        pretty: JSON.stringify(order, null, 1),
        revived: JSON.parse('{"id":99999999999999999999}', (k, v) => (typeof v === 'bigint' ? v + 1n : v)),
      } }`
    const id = '912345678901234567'
    const outcome = await sandbox.run(body, { payloadText: `{"id":${id}}` })
    expect(outcome).toMatchObject({
      data:
        `{"text":"{\\"id\\":${id}}","copy":{"id":${id}},"replaced":"{\\"id\\":\\"big\\"}","kept":"{\\"id\\":${id}}",` +
        `"picked":"{\\"id\\":${id}}","pretty":"{\\n \\"id\\": ${id}\\n}","revived":{"id":100000000000000000000}}`,
    })
  })

  test('a function may give bigints its own toJSON; data stays exact', async () => {
    const body = `BigInt.prototype.toJSON = function () { return String(this) }
      return { jobStatus: 1, data: [JSON.stringify([1n]), 1n] }`
    expect(await sandbox.run(body)).toMatchObject({ data: '["[\\"1\\"]",1]' })
  })
})

describe('numbers that no double holds', () => {
  test('are texts with their digits, and the log names up to five paths', async () => {
    const numbers = [
      '1e400',
      '0.12345678901234567890',
      '-1e-400',
      '123456789.123456789123',
      '1e999',
      '2e999',
      '3e999',
    ]
    const payloadText = `{"a":1.50,"list":[${numbers.join(',')}],"deep":{"odd.key":1e400}}`
    const outcome = await sandbox.run(PASS, { payloadText })
    expect(outcome).toMatchObject({
      data: `{"a":1.5,"list":[${numbers.map((number) => `"${number}"`).join(',')}],"deep":{"odd.key":"1e400"}}`,
    })
    expect(outcome.log).toEqual([
      {
        level: 'note',
        text:
          'numbers that a JavaScript number cannot hold are given as strings with their digits: ' +
          'list[0], list[1], list[2], list[3], list[4] and 3 more',
      },
    ])
  })

  test('are written by JSON.rawJSON', async () => {
    const body =
      'return { jobStatus: 1, data: { total: JSON.rawJSON("0.10"), all: [JSON.rawJSON("1e400")] } }'
    expect(await sandbox.run(body)).toMatchObject({ data: '{"total":0.10,"all":[1e400]}' })
  })

  test.each(['README.md', 'types.d.ts'])(
    'keep the digits that %s shows, on their whole way',
    async (file) => {
      const text = readFileSync(new URL(`../../rewrite-functions/${file}`, import.meta.url), 'utf8')
      const shown = [...text.matchAll(/JSON\.rawJSON\('([^']+)'\)/g)].map(([, digits = '']) => digits)
      expect(shown).not.toEqual([])
      for (const digits of shown) {
        const outcome = await sandbox.run(`return { jobStatus: 1, data: [JSON.rawJSON('${digits}')] }`)
        const data = outcome.ok ? outcome.data : undefined
        expect(stringifyExact(parseExact(data ?? 'null'))).toBe(`[${digits}]`)
      }
    },
  )

  test('ordinary numbers cause no note', async () => {
    const payloadText = '{"id":820982911946154508,"price":19.99,"rate":1.10,"lat":52.370215712345}'
    expect((await sandbox.run(PASS, { payloadText })).log).toEqual([])
  })
})
