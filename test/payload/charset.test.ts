import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeText } from '../../src/payload/charset.ts'
import { anyText } from '../world/any-text.ts'

const bytes = (...values: number[]) => Buffer.from(values)
const textOf = (body: Buffer, charset?: string) => {
  const decoded = decodeText(body, charset)
  return decoded.ok ? decoded.text : decoded.message
}

describe('the charset comes from', () => {
  test('a byte order mark, before anything the sender says', () => {
    expect(decodeText(Buffer.from('\ufeffé'), 'iso-8859-1')).toEqual({
      ok: true,
      text: 'é',
      charset: 'utf-8',
      isUtf8AsIs: false,
    })
    expect(textOf(Buffer.from('\ufeffé', 'utf16le'), 'utf-8')).toBe('é')
    expect(textOf(Buffer.from('\ufeffé', 'utf16le').swap16(), 'utf-16le')).toBe('é')
  })

  test('the content type, before an XML declaration', () => {
    const xml = Buffer.from('<?xml version="1.0" encoding="UTF-8"?><a>\xe9</a>', 'latin1')
    expect(textOf(xml, 'ISO-8859-1')).toContain('<a>é</a>')
  })

  test('an XML declaration', () => {
    const xml = Buffer.from(`<?xml version='1.0' encoding='iso-8859-15'?><a>\xa4</a>`, 'latin1')
    expect(textOf(xml)).toContain('<a>€</a>')
  })

  test('the shape of < in UTF-16 without mark', () => {
    const xml = '<?xml version="1.0" encoding="UTF-16"?><a>é𝄞</a>'
    expect(textOf(Buffer.from(xml, 'utf16le'))).toBe(xml)
    expect(textOf(Buffer.from(xml, 'utf16le').swap16())).toBe(xml)
    expect(textOf(Buffer.from('<a>é</a>', 'utf16le'), 'utf-16')).toBe('<a>é</a>')
    expect(textOf(Buffer.from('{"a":1}', 'utf16le').swap16(), 'UTF-16')).toBe('{"a":1}')
  })

  test('nowhere: then it is UTF-8', () => {
    expect(textOf(Buffer.from('é€😀'))).toBe('é€😀')
    expect(textOf(Buffer.from([0xe9]))).toContain('not valid utf-8')
  })

  test('the bytes, where .NET declares UTF-16 over text that is not', () => {
    expect(textOf(Buffer.from('<?xml version="1.0" encoding="utf-16"?><a>é</a>'))).toContain('<a>é</a>')
  })
})

describe('each charset is read as itself', () => {
  test('ISO-8859-1 has control characters where windows-1252 has letters', () => {
    expect(textOf(bytes(0x80, 0xe9, 0xff), 'iso-8859-1')).toBe('\u0080éÿ')
    expect(textOf(bytes(0x80, 0xe9, 0xff), 'windows-1252')).toBe('€éÿ')
    expect(textOf(bytes(0xa4, 0xbd), 'ISO-8859-15')).toBe('€œ')
  })

  test('every byte of ISO-8859-1 is its own code point', () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, code) => code))
    expect(textOf(all, 'latin1')).toBe(String.fromCharCode(...all))
  })

  test('a charset that is not ours is unsupported', () => {
    for (const charset of ['shift_jis', 'utf-7', 'nonsense', '', 'utf-32'])
      expect(decodeText(Buffer.from('x'), charset)).toMatchObject({ ok: false, problem: 'unsupported' })
    expect(decodeText(bytes(0xff, 0xfe, 0, 0, 0x3c, 0, 0, 0))).toMatchObject({ problem: 'unsupported' })
  })
})

describe('bytes that do not fit are refused with their place, never repaired', () => {
  test.each([
    ['a lone continuation', [0x61, 0x80], 1],
    ['an overlong slash', [0x61, 0x62, 0xc0, 0xaf], 2],
    ['a three-byte overlong', [0xe0, 0x80, 0xaf], 0],
    ['a surrogate', [0x61, 0xed, 0xa0, 0x80], 1],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80], 0],
    ['a cut character', [0xc3, 0xa9, 0xe2, 0x82], 2],
    ['a byte of no sequence', [0x61, 0xfe], 1],
    ['one behind a mark', [0xef, 0xbb, 0xbf, 0x61, 0xff], 4],
  ])('%s in UTF-8', (_name, values, position) => {
    expect(textOf(Buffer.from(values), 'utf-8')).toBe(
      `the body is not valid utf-8: byte ${position} does not fit`,
    )
  })

  test('behind megabytes of text', () => {
    for (const length of [4_095, 4_096, 4_097, 3_000_000]) {
      const body = Buffer.concat([
        Buffer.from('é'.repeat(length)),
        Buffer.from([0xc3]),
        Buffer.from('x'.repeat(length)),
      ])
      expect(textOf(body)).toContain(`byte ${2 * length} does`)
    }
    expect(textOf(Buffer.alloc(3_000_000, 0x80))).toContain('byte 0 ')
  })

  test('half a unit and half a pair in UTF-16', () => {
    expect(textOf(bytes(0xff, 0xfe, 0x61, 0, 0x62))).toContain('byte 4 ')
    expect(textOf(bytes(0xff, 0xfe, 0x61, 0, 0x00, 0xd8, 0x62, 0))).toContain('byte 4 ')
    expect(textOf(bytes(0xfe, 0xff, 0, 0x61, 0xdc, 0x00))).toContain('byte 4 ')
  })

  test('the holes of windows-1252 and what is beyond ASCII', () => {
    expect(textOf(bytes(0x61, 0x81), 'windows-1252')).toContain('byte 1 ')
    expect(textOf(bytes(0x61, 0x62, 0x80), 'us-ascii')).toContain('byte 2 ')
  })
})

test('the text is the body as it stands exactly when its UTF-8 bytes are the body', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(undefined, 'utf-8', 'iso-8859-1', 'windows-1252', 'iso-8859-15', 'us-ascii', 'utf-16'),
      (values, charset) => {
        const body = Buffer.from(values)
        const decoded = decodeText(body, charset)
        if (decoded.ok && decoded.isUtf8AsIs) expect(Buffer.from(decoded.text).equals(body)).toBe(true)
        if (decoded.ok) expect(decoded.text.isWellFormed()).toBe(true)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('any text comes back from UTF-8 and both UTF-16, and a wrong byte is never let through', () => {
  fc.assert(
    fc.property(anyText(), (raw) => {
      const text = raw.toWellFormed().replace(/^\ufeff/, '')
      expect(textOf(Buffer.from(text), 'utf-8')).toBe(text)
      // A mark with a NUL behind it is the mark of UTF-32.
      if (!text.startsWith('\0')) expect(textOf(Buffer.from(`\ufeff${text}`, 'utf16le'))).toBe(text)
      const broken = Buffer.concat([Buffer.from(text), Buffer.from([0xff])])
      expect(textOf(broken, 'utf-8')).toContain(`byte ${broken.length - 1} `)
    }),
  )
})
