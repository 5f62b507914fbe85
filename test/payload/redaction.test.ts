import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Json, NumberText, parseExact } from '../../src/payload/exact-json.ts'
import { joinTexts, MASK, redactFields, restoreMasked, textsBehind } from '../../src/payload/redact-fields.ts'
import { redactionOf } from '../../src/payload/redaction.ts'
import { seek } from '../../src/payload/sought-text.ts'
import { processorMs } from '../world/processor-ms.ts'

describe('fields that are redacted', () => {
  const order: Json = {
    email: 'jane@example.com',
    customer: { name: 'Jane', phones: ['+31 6 1', '+31 6 2'], vip: true, note: null },
    lines: [
      { sku: 'A', holder: { email: 'a@example.com' } },
      { sku: 'B', holder: { email: 'b@example.com' } },
    ],
    card: 4111111111111111n,
    __proto__x: 1,
  }
  const masked = (...paths: string[]) => redactFields(order, paths)

  test.each([
    ['email', { email: MASK }, ['jane@example.com']],
    ['customer', { customer: MASK }, ['Jane', '+31 6 1', '+31 6 2']],
    ['customer.phones[1]', { customer: { phones: ['+31 6 1', MASK] } }, ['+31 6 2']],
    [
      'lines[].holder.email',
      { lines: [{ sku: 'A', holder: { email: MASK } }, {}] },
      ['a@example.com', 'b@example.com'],
    ],
    ['card', { card: MASK }, ['4111111111111111']],
    [
      '**.email',
      { email: MASK, lines: [{ holder: { email: MASK } }, {}] },
      ['a@example.com', 'b@example.com', 'jane@example.com'],
    ],
  ])('are named by a path: %s', (path, shown, texts) => {
    const found = masked(path)
    expect(found.masked).toMatchObject(shown)
    expect([...found.texts].toSorted()).toEqual(texts.toSorted())
  })

  test('are found whether a list came as one or as a single value, as in XML', () => {
    const once = { order: { item: { email: 'x@example.com' } } }
    const twice = { order: { item: [{ email: 'x@example.com' }, { email: 'y@example.com' }] } }
    for (const path of ['order.item.email', 'order.item[].email', 'order.item[0].email'])
      expect(JSON.stringify(redactFields(once, [path]).masked)).not.toContain('@')
    for (const path of ['order.item.email', 'order.item[].email'])
      expect(JSON.stringify(redactFields(twice, [path]).masked)).not.toContain('@')
  })

  test('leave the payload as it is, where nothing stands there; null and empty text have nothing to hide', () => {
    expect(masked('nowhere.at[].all').masked).toBe(order)
    expect(redactFields({ a: null, b: '' }, ['a', 'b'])).toEqual({ masked: { a: null, b: '' }, texts: [] })
  })

  test('may be called like JavaScript own names', () => {
    const tricky = parseExact('{"__proto__":{"email":"x@example.com"},"constructor":"y"}')
    const { masked: shown } = redactFields(tricky, ['__proto__.email', 'constructor'])
    expect(JSON.stringify(shown)).toBe(`{"__proto__":{"email":"${MASK}"},"constructor":"${MASK}"}`)
  })

  test('are known again from the payload and what is shown of it', () => {
    const { masked: shown, texts } = masked('customer', 'lines[].sku')
    expect([...textsBehind(order, shown)].toSorted()).toEqual([...texts].toSorted())
  })

  test('that are too many to look for hide everything', () => {
    const many = { list: Array.from({ length: 1_001 }, (_, index) => `value ${index}`) }
    expect(redactFields(many, ['list']).texts).toBe('everything')
    expect(joinTexts(['a'], 'everything')).toBe('everything')
  })

  test('in any payload: what is named is gone, the rest stays', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.jsonValue(), (secret, rest) => {
        const payload = { secret, rest } as unknown as Json
        const { masked: shown } = redactFields(payload, ['secret'])
        const hasNothing = secret === null || secret === ''
        expect(shown).toEqual({ secret: hasNothing ? secret : MASK, rest })
      }),
    )
  })
})

describe('what is hidden is taken out', () => {
  const { text, json, bytes } = redactionOf(['jane@example.com', 'Zoë & Co', 'ΟΔΥΣΣΕΥΣ', 'NLD', '12', '7'])

  test.each([
    ['in a text, in any case', 'Mail to JANE@Example.com failed', 'Mail to *** failed'],
    ['in a text whose lower case is longer', 'İlker wrote to JANE@Example.com', 'İlker wrote to ***'],
    ['inside a word, where a sigma is written differently', 'ΟΔΥΣΣΕΥΣΑ', '***Α'],
    [
      'in a URL',
      'https://crm.test/?q=jane%40example.com&n=Zo%C3%AB%20%26%20Co',
      'https://crm.test/?q=***&n=***',
    ],
    ['in a form', 'name=Zo%C3%AB+%26+Co', 'name=***'],
    ['in XML', '<name>Zoë &amp; Co</name>', '<name>***</name>'],
    ['in JSON, as PHP writes it', '{"n":"Zo\\u00eb & Co"}', '{"n":"***"}'],
    ['in JSON, as .NET, Rails and Go write it', '{"n":"Zo\\u00EB \\u0026 Co"}', '{"n":"***"}'],
    [
      'in JSON within JSON',
      '{"n":"{\\"n\\":\\"Zo\\\\u00eb \\\\u0026 Co\\"}"}',
      '{"n":"{\\"n\\":\\"***\\"}"}',
    ],
    ['in XML, by numbers', '<name>Zo&#235; &#x26; Co</name>', '<name>***</name>'],
    ['in XML within JSON', '"<name>Zo&#xEB; \\u0026amp; Co<\\/name>"', '"<name>***<\\/name>"'],
    ['in a form in ISO-8859-1', 'name=Zo%EB+%26+Co&x', 'name=***&x'],
    [
      'as a word of its own, if it is short',
      'NLD, not FINLDE; number 12, not 123',
      '***, not FINLDE; number ***, not 123',
    ],
    ['after an escape', 'a\\nNLD', 'a\\n***'],
    ['after an escaped sign', 'a%C2%A0NLD%E3%80%8ANLD&#171;NLD', 'a%C2%A0***%E3%80%8A***&#171;***'],
    ['but not after an escaped letter', 'a=%C3%85nld&b=%25C3%2585nld', 'a=%C3%85nld&b=%25C3%2585nld'],
    ['more than once', 'jane@example.comjane@example.com', '******'],
    ['but not one character, of which every text is full', '7 of 17', '7 of 17'],
  ])('%s', (_, given, shown) => {
    expect(text(given)).toBe(shown)
  })

  test('of data, also where a value is short or a number, and in names of fields', () => {
    const given = parseExact(
      '{"a":"7","b":7,"c":12,"d":"jane@example.com wrote","jane@example.com":[1,{"x":"nld"}],"e":true,"f":71}',
    )
    expect(json(given)).toEqual({
      a: MASK,
      b: MASK,
      c: MASK,
      d: '*** wrote',
      [MASK]: [1, { x: MASK }],
      e: true,
      f: 71,
    })
    expect(redactionOf(['1e400']).json(new NumberText('1e400'))).toBe(MASK)
  })

  test('of bytes that are text in whatever charset; of others nothing is shown', () => {
    expect(bytes(Buffer.from('hello Zoë & Co')).toString()).toBe('hello ***')
    expect(bytes(Buffer.from('hello Zoë & Co', 'latin1')).toString()).toBe('hello ***')
    expect(bytes(Buffer.from('jane@example.com', 'utf16le')).toString()).toBe(MASK)
    const untouched = Buffer.from([0xff, 0xfe, 0x41])
    expect(bytes(untouched)).toBe(untouched)
  })

  test('wherever it was put', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string({ minLength: 6 }), (before, after, secret) => {
        fc.pre(secret.trim() === secret && secret.toLowerCase().length === secret.length)
        const shown = redactionOf([secret])
        expect(shown.text(`${before}${secret}${after}`)).toContain(MASK)
        expect(shown.json(secret)).toBe(MASK)
      }),
    )
  })

  test('in bounded time, whoever chose both the text and the values', () => {
    const values = Array.from({ length: 900 }, (_, index) => `${'a'.repeat(30)}b${index}`)
    expect(redactionOf(values).text('a'.repeat(500_000))).toBe(MASK)
    // An ordinary text is not given up so soon.
    const names = Array.from({ length: 500 }, (_, index) => `Maria ${index}`)
    const letter = 'Maria 499, meet Marie and Margaret. '.repeat(200)
    expect(redactionOf(names).text(letter)).toBe('***, meet Marie and Margaret. '.repeat(200))
  })

  describe('at a price that is not far from that of plain text', () => {
    const form = new URLSearchParams({ text: 'Дорогой клиент, мы получили ваш заказ 12345. ' }).toString()
    /** For each character. The processor's time is counted in steps of some milliseconds. */
    const costOf = (given: string, hidden: string, chars: number) => {
      const filled = Buffer.from(given.repeat(Math.ceil(chars / given.length)))
      const { bytes: shown } = redactionOf([hidden, 'anna@example.com'])
      const { isIn } = seek(hidden, false)
      const once = () => {
        shown(filled)
        isIn(filled.toString())
      }
      return Math.min(...Array.from({ length: 3 }, () => processorMs(once))) / chars
    }

    test.each([
      ['a Cyrillic form', form, 'Müller'],
      ['a form in ISO-8859-1', '%e4', 'äöüäöü'],
      ['one that nearly has the text', '%e4', 'ääääääöü'],
      ['a Chinese form', '%e4%bd%a0', 'äöüäöü'],
      ['a Chinese form that nearly has the text', '%e4%bd%a0', '你你你你你好'],
      ['JSON of Rails', '\\u00e4', 'äöüäöü'],
      ['JSON within JSON', '\\\\\\\\u00e4', 'äöüäöü'],
      ['XML', '&amp;amp;#228;', 'äöüäöü'],
    ])('in %s', (_, given, hidden) => {
      const plain = costOf('name=Dear customer, ', hidden, 2_000_000)
      expect(costOf(given, hidden, 250_000) / plain).toBeLessThan(40)
    })

    test('so that a long form is shown, not given up', () => {
      const long = form.repeat(4_000)
      expect(redactionOf(['Müller', 'Привет', 'Днепропетровск', 'Заказчик']).text(long)).toBe(long)
    })
  })

  test('everything of it, where there is too much to look for', () => {
    const nothing = redactionOf('everything')
    expect([nothing.text('a'), nothing.json({ a: 1 }), nothing.bytes(Buffer.from('a')).toString()]).toEqual([
      MASK,
      MASK,
      MASK,
    ])
    expect([nothing.text(''), nothing.json(null)]).toEqual(['', null])
  })
})

describe('what was shown masked and comes back', () => {
  const original: Json = { email: 'jane@example.com', note: 'for Jane', lines: [{ n: 1n }], total: 5 }
  const shown: Json = { email: MASK, note: 'for ***', lines: [{ n: MASK }], total: 5 }

  test('is what it was, where it stands as it was shown', () => {
    expect(restoreMasked({ ...shown, total: 6 }, shown, original)).toEqual({ ...original, total: 6 })
  })

  test('is refused where there is nothing to put back', () => {
    expect(restoreMasked({ ...shown, other: MASK }, shown, original)).toBeUndefined()
    expect(restoreMasked({ ...shown, note: 'by ***' }, shown, original)).toBeUndefined()
    expect(restoreMasked({ lines: [{ n: MASK }, { n: MASK }] }, shown, original)).toBeUndefined()
  })
})

describe('a text that is sought', () => {
  test.each([
    ['jane@example.com', 'x JANE@example.com.', true],
    ['jane@example.com', 'mary-jane@example.com', false],
    ['jane@example.com', 'jane@example.com.au', false],
    ['jane@example.com', 'email%3Djane%40example.com', true],
    ['1234', '"id":1234,', true],
    ['1234', '91234', false],
    ['Zoë', 'Dear ZOË,', true],
    ['Zoë', 'zo\\u00eb', true],
    ['Ren', 'Ren\\u00e9', false],
    ['Ren', 'caf\\u00e9Ren', false],
    ["Zoë O'Brien", '"Zo\\u00EB O\\u0027Brien"', true],
    ['zoe+shop@example.com', '"zoe\\u002Bshop@example.com"', true],
    ['shop@example.com', '"zoe\\u002Bshop@example.com"', false],
    ['jane@example.com', 'jane@example\\u002Ecom\\u002Eau', false],
    ['a.c', 'abc', false],
    ['anna@x.de', 'text=Write+to+anna%40x.de+please', true],
    ['anna@x.de', 'cc=a%40b.de+anna%40x.de', true],
    ['anna@x.de', 'cc=a%40b.de%2Banna%40x.de', false],
    ['anna@x.de', 'cc=joanna%40x.de', false],
    ['anna@x.de', 'to jo+anna@x.de', false],
    ['Berg', 'name=%C3%85berg', false],
    ['Berg', 'name=%2525C3%252585berg', false],
    ['Berg', 'name=%E3%80%8ABerg', true],
    ['Berg', 'name=%C2%A0Berg', true],
    ['Berg', 'name=%F0%90%90%A8Berg', false],
    ['Berg', 'name=%2525F0%252590%252590%2525A8Berg', false],
    ['sterman', '%C3%96sterman', false],
    ['mann', '%C3%BCmann', false],
    ['mann', '%FCmann', false],
  ])('%s is a word of its own in %s: %s', (sought, text, found) => {
    expect(seek(sought, false).isIn(text)).toBe(found)
    expect(seek(sought, true).isIn(`x${sought}x`)).toBe(true)
  })

  test('is found in JSON however it is written there, and in bytes of every charset', () => {
    const { isInJson, isInBytes } = seek('Zoë', false)
    expect(isInJson('{"a":[{"b":"Dear\\nZo\\u00eb"}]}')).toBe(true)
    expect(isInJson('{"Zo\\u00EB":1}')).toBe(true)
    expect(isInJson('{"a":"Zoëlle"}')).toBe(false)
    expect(seek('Berg', false).isInBytes(Buffer.from('name=%C3%85berg'))).toBe(false)
    for (const charset of ['utf8', 'latin1', 'utf16le'] as const)
      expect(isInBytes(Buffer.from('<name>Zoë</name>', charset))).toBe(true)
  })
})
