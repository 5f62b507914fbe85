import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Json, NumberText, parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import { mapped } from './mapping-trial.ts'

/** The JSON text of what a mapping makes of JSON text: exactly what would be sent. */
async function sent(rule: Json, body: string): Promise<string> {
  const value = await mapped({ out: rule as never }, parseExact(body))
  return stringifyExact(value)
}

const anyInteger = fc.oneof(
  fc.maxSafeInteger().map(BigInt),
  fc.bigInt({ min: -(10n ** 400n), max: 10n ** 400n }),
)

test('integers of any size pass exactly through plain rules, numbers and text', async () => {
  await fc.assert(
    fc.asyncProperty(anyInteger, async (integer) => {
      const digits = integer.toString()
      expect(await sent('in', `{"in":${digits}}`)).toBe(`{"out":${digits}}`)
      expect(await sent({ from: 'in', transforms: ['number'] }, `{"in":"${digits}"}`)).toBe(
        `{"out":${digits}}`,
      )
      expect(await sent({ from: 'in', transforms: ['integer'] }, `{"in":"${digits}.0"}`)).toBe(
        `{"out":${digits}}`,
      )
      expect(await sent({ from: 'in', transforms: ['string'] }, `{"in":${digits}}`)).toBe(
        `{"out":"${digits}"}`,
      )
      expect(await sent({ from: 'in', transforms: [{ prefix: '' }, 'number'] }, `{"in":${digits}}`)).toBe(
        `{"out":${digits}}`,
      )
      expect(await sent({ from: 'in', transforms: ['sum'] }, `{"in":[${digits},1,-1]}`)).toBe(
        `{"out":${digits}}`,
      )
    }),
  )
})

test('minor units come back as the same price in every exponent', async () => {
  await fc.assert(
    fc.asyncProperty(anyInteger, fc.constantFrom('JPY', 'EUR', 'KWD', 'CLF'), async (count, currency) => {
      const there = [{ majorUnits: currency }, { minorUnits: currency }]
      expect(await sent({ from: 'in', transforms: there }, `{"in":${count}}`)).toBe(`{"out":${count}}`)
      expect(await sent({ from: 'in', transforms: ['string', ...there] }, `{"in":${count}}`)).toBe(
        `{"out":${count}}`,
      )
    }),
  )
})

test('decimals keep every digit through arithmetic', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.bigInt({ min: 0n, max: 10n ** 60n }),
      fc.integer({ min: 1, max: 30 }),
      async (digits, scale) => {
        const padded = digits.toString().padStart(scale + 1, '0')
        const text = `${padded.slice(0, -scale)}.${padded.slice(-scale)}`
        expect(
          await sent({ from: 'in', transforms: [{ multiply: 1 }, { fixed: scale }] }, `{"in":"${text}"}`),
        ).toBe(`{"out":"${text}"}`)
        const doubled = await mapped(
          {
            out: {
              from: 'in',
              transforms: [{ multiply: '2' }, { minorUnits: { exponent: 12, mode: 'down' } }],
            },
          },
          { in: text },
        )
        expect(BigInt((doubled as { out: number | bigint }).out)).toBe(
          (digits * 2n * 10n ** 12n) / 10n ** BigInt(scale),
        )
      },
    ),
  )
})

test('numbers that no double holds are neither rounded nor lost', async () => {
  for (const number of [
    '1e400',
    '0.12345678901234567890123',
    '-1.00000000000000000000000000000000000001e-300',
  ]) {
    expect(await sent('in', `{"in":${number}}`)).toBe(`{"out":${number}}`)
    expect(await sent({ from: 'in', transforms: ['number'] }, `{"in":${number}}`)).toBe(`{"out":${number}}`)
    expect(await sent({ from: 'in', transforms: ['string'] }, `{"in":${number}}`)).toBe(`{"out":"${number}"}`)
  }
  expect(
    await mapped({ out: { from: 'in', transforms: ['number'] } }, { in: '0.12345678901234567890123' }),
  ).toEqual({
    out: new NumberText('0.12345678901234567890123'),
  })
})
