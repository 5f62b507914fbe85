import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeContent } from '../../src/payload/content-encoding.ts'

const MAX = 100_000
const plain = Buffer.from(JSON.stringify({ event: 'order.created', lines: Array(200).fill('T-Shirt') }))
const encoders: [string, (body: Buffer) => Buffer][] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
]

async function decoded(body: Buffer, encoding: string | undefined, max = MAX): Promise<string> {
  const result = await decodeContent(body, encoding, max)
  return result.ok ? result.body.toString() : result.problem
}

test.each(encoders)('%s is undone', async (name, encode) => {
  expect(await decoded(encode(plain), name)).toBe(plain.toString())
  expect(await decoded(encode(plain), ` ${name.toUpperCase()} `)).toBe(plain.toString())
})

test('no encoding and identity leave the very same bytes', async () => {
  for (const encoding of [undefined, '', 'identity', 'identity, identity']) {
    const result = await decodeContent(plain, encoding, MAX)
    expect(result.ok && result.body).toBe(plain)
  }
})

test('two encodings are undone from the outside in', async () => {
  expect(await decoded(brotliCompressSync(gzipSync(plain)), 'gzip, br')).toBe(plain.toString())
  expect(await decoded(brotliCompressSync(gzipSync(plain)), 'br, gzip')).toBe('unreadable')
})

test('longer lists and unknown encodings are unsupported', async () => {
  const thrice = gzipSync(gzipSync(gzipSync(plain)))
  expect(await decoded(thrice, 'gzip, gzip, gzip')).toBe('unsupported')
  expect(await decoded(gzipSync(plain), `${'identity,'.repeat(30)}gzip`)).toBe('unsupported')
  for (const name of ['compress', 'zstd', 'gzip;q=1', 'constructor'])
    expect(await decoded(plain, name)).toBe('unsupported')
})

describe.each(encoders)('%s', (name, encode) => {
  test('that is cut, followed by more, or something else is unreadable', async () => {
    const whole = encode(plain)
    expect(await decoded(whole.subarray(0, -2), name)).toBe('unreadable')
    expect(await decoded(Buffer.concat([whole, Buffer.from('junk')]), name)).toBe('unreadable')
    expect(await decoded(Buffer.concat([whole, Buffer.alloc(3)]), name)).toBe('unreadable')
    expect(await decoded(plain, name)).toBe('unreadable')
  })

  test('may be exactly as large as the limit and not a byte larger', async () => {
    expect(await decoded(encode(plain), name, plain.length)).toBe(plain.toString())
    expect(await decoded(encode(plain), name, plain.length - 1)).toBe('too_large')
  })
})

test('a bomb stops at the limit', async () => {
  const bomb = gzipSync(Buffer.alloc(80_000_000), { level: 1 })
  const nested = gzipSync(bomb)
  const before = process.memoryUsage().rss
  expect(await decoded(bomb, 'gzip', 1_000_000)).toBe('too_large')
  expect(await decoded(nested, 'gzip, gzip', 1_000_000)).toBe('too_large')
  const quickly = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }
  const brotli = brotliCompressSync(Buffer.alloc(50_000_000), quickly)
  expect(await decoded(brotli, 'br', 1_000_000)).toBe('too_large')
  const deflated = deflateRawSync(Buffer.alloc(50_000_000), { level: 1 })
  expect(await decoded(deflated, 'deflate', 1_000_000)).toBe('too_large')
  expect(process.memoryUsage().rss - before).toBeLessThan(40_000_000)
})

test('a body that is not encoded obeys the limit too', async () => {
  expect(await decoded(plain, undefined, 10)).toBe('too_large')
})

test('an empty body has nothing to undo', async () => {
  expect(await decoded(Buffer.alloc(0), 'gzip')).toBe('')
})

test('any bytes under any encoding give a result', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 60 }),
      fc.oneof(fc.constantFrom('gzip', 'deflate', 'br', 'deflate, br'), fc.string()),
      async (values, encoding) => {
        const result = await decodeContent(Buffer.from(values), encoding, MAX)
        expect(typeof result.ok).toBe('boolean')
      },
    ),
    { numRuns: 300 },
  )
})
