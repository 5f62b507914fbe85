import { describe, expect, test } from 'vitest'
import { checkXml, TEXT_MARK } from '../../src/payload/xml-check.ts'

const LIMITS = { depthMax: 100, keysMax: 100_000 }

function messageOf(xml: string, limits = LIMITS): string {
  const result = checkXml(xml, limits)
  return result.ok ? 'ok' : result.message
}

function problemOf(xml: string, limits = LIMITS): string {
  const result = checkXml(xml, limits)
  return result.ok ? 'ok' : result.problem
}

describe('well-formed documents pass', () => {
  test.each([
    '<a/>',
    ' \n<a/>\n ',
    `<?xml version='1.0'?><a></a >`,
    '<?xml version="1.1" encoding="x" standalone=\'no\' ?><a/>',
    '<a\n b = "1"\tc=\'2\'/>',
    '<ä:ö_-.1 名="1">]] ></ä:ö_-.1>',
    '<a>&#x9;&#xA;&#xD;&#x0000020;&#x10FFFF;&#00038;</a>',
    '<a b=">" c="]]>"/>',
    '<a><![CDATA[]]]]><![CDATA[>]]></a>',
    '<!----><a/><!-- - -->',
    '<a>x<![CDATA[& ]]>y<!-- & --><b c="1"/><?p & ?>z&lt;</a>',
    '<?xml-stylesheet href="x"?><?p?><a/>',
    '<!DOCTYPE a><a/>',
    `<!DOCTYPE a PUBLIC "-//X//Y 'z'//EN" 'x"y' ><a/>`,
    '<!-- c --><!DOCTYPE a SYSTEM "x[y>z"><?p?><a/>',
    '<𐀀/>',
  ])('%s', (xml) => {
    expect(messageOf(xml)).toBe('ok')
  })
})

describe('faults are named with line and column', () => {
  test.each([
    ['', 'there is no root element (line 1, column 1)'],
    ['<!-- x -->', 'there is no root element (line 1, column 11)'],
    ['hello', 'text before the root element (line 1, column 1)'],
    ['<a/><b/>', 'a second root element (line 1, column 5)'],
    ['<a/>x', 'text after the root element (line 1, column 5)'],
    ['<a/><![CDATA[x]]>', 'text after the root element (line 1, column 5)'],
    ['<a/>&#32;', 'text after the root element (line 1, column 5)'],
    ['<a>\n<b></a>', 'the end tag </a> does not match <b> (line 2, column 4)'],
    ['<a>\r\n <b>', '<b> is not closed (line 2, column 5)'],
    ['<a', 'the tag <a is not closed (line 1, column 3)'],
    ['<a/', 'unexpected character in the tag <a (line 1, column 3)'],
    ['< a/>', '< that begins no tag (line 1, column 2)'],
    ['<1a/>', '< that begins no tag (line 1, column 2)'],
    ['</a>', '< that begins no tag (line 1, column 2)'],
    ['<a></a b>', 'the end tag </a is not closed (line 1, column 8)'],
    ['<a><!ELEMENT a></a>', '< that begins no tag (line 1, column 5)'],
    ['<a b="1" b="2"/>', 'the attribute b stands twice in one tag (line 1, column 10)'],
    ['<a b=1/>', 'the value of the attribute b is not quoted (line 1, column 6)'],
    ['<a b/>', 'the attribute b has no value (line 1, column 5)'],
    ['<a b="1"c="2"/>', 'unexpected character in the tag <a (line 1, column 9)'],
    ['<a b="<"/>', '< in the value of the attribute b (line 1, column 7)'],
    ['<a b="1/>', 'the value of the attribute b is not closed (line 1, column 6)'],
    ['<a b="&x;"/>', 'the entity &x; is not one of the five that need no DTD (line 1, column 7)'],
    ['<a>&nbsp;</a>', 'the entity &nbsp; is not one of the five that need no DTD (line 1, column 4)'],
    ['<a>&LT;</a>', 'the entity &LT; is not one of the five that need no DTD (line 1, column 4)'],
    ['<a>a & b</a>', '& that begins no reference (line 1, column 6)'],
    ['<a>&amp</a>', '& that begins no reference (line 1, column 4)'],
    ['<a>&#x;</a>', 'a character reference is malformed (line 1, column 4)'],
    ['<a>&#X41;</a>', 'a character reference is malformed (line 1, column 4)'],
    ['<a>&#0;</a>', 'a reference to a character that XML does not allow (line 1, column 4)'],
    ['<a>&#xD800;</a>', 'a reference to a character that XML does not allow (line 1, column 4)'],
    ['<a>&#x110000;</a>', 'a reference to a character that XML does not allow (line 1, column 4)'],
    ['<a>&#99999999999;</a>', 'a character reference is malformed (line 1, column 4)'],
    ['<a>x]]>y</a>', ']]> outside of a CDATA section (line 1, column 5)'],
    ['<a>\u0000</a>', 'a character that XML does not allow (line 1, column 4)'],
    ['<a>\n\u000b</a>', 'a character that XML does not allow (line 2, column 1)'],
    ['<a>\ufffe</a>', 'a character that XML does not allow (line 1, column 4)'],
    ['<a>\ud800</a>', 'a character that XML does not allow (line 1, column 4)'],
    ['<a><!-- -- --></a>', '-- inside a comment (line 1, column 9)'],
    ['<a><!-- --->', '-- inside a comment (line 1, column 9)'],
    ['<a><!-- ', 'a comment is not closed (line 1, column 4)'],
    ['<a><![CDATA[', 'a CDATA section is not closed (line 1, column 4)'],
    ['<a><?p ', 'a processing instruction is not closed (line 1, column 4)'],
    ['<a><? p?></a>', 'a processing instruction has no name (line 1, column 6)'],
    [
      ' <?xml version="1.0"?><a/>',
      'an XML declaration may only stand at the very beginning (line 1, column 2)',
    ],
    ['<a><?XML x?></a>', 'an XML declaration may only stand at the very beginning (line 1, column 4)'],
    ['<?xml?><a/>', 'the XML declaration is malformed (line 1, column 1)'],
    ['<?xml encoding="UTF-8" version="1.0"?><a/>', 'the XML declaration is malformed (line 1, column 1)'],
    ['<?xml version="2.0"?><a/>', 'the XML declaration is malformed (line 1, column 1)'],
    ['<!DOCTYPE><a/>', 'the DOCTYPE is malformed (line 1, column 1)'],
    ['<!DOCTYPE a SYSTEM><a/>', 'the DOCTYPE is malformed (line 1, column 1)'],
    ['<!DOCTYPE a><!DOCTYPE a><a/>', '< that begins no tag (line 1, column 14)'],
    ['<a><!DOCTYPE b></a>', 'a DOCTYPE inside the root element (line 1, column 4)'],
    ['<a\u1680b/>', 'unexpected character in the tag <a (line 1, column 3)'],
    ['<\u{f0000}/>', '< that begins no tag (line 1, column 2)'],
    ['<a\u{f0000}/>', 'unexpected character in the tag <a (line 1, column 3)'],
    ['<a\ufeffb/>', 'unexpected character in the tag <a (line 1, column 3)'],
    [
      `<a>&${'x'.repeat(50)};</a>`,
      `the entity &${'x'.repeat(40)}…; is not one of the five that need no DTD (line 1, column 4)`,
    ],
    [`<${'x'.repeat(1_001)}/>`, 'a name is longer than 1000 characters (line 1, column 2)'],
  ])('%j', (xml, expected) => {
    expect(messageOf(xml)).toBe(`not well-formed XML: ${expected}`)
  })

  test('a DOCTYPE with an internal subset has its own reason', () => {
    for (const xml of ['<!DOCTYPE a [<!ENTITY x "y">]><a/>', '<!DOCTYPE a SYSTEM "x" []><a>&x;</a>'])
      expect(messageOf(xml)).toContain('a DOCTYPE with an internal subset is not accepted')
  })
})

test('what goes to the tree builder has no comments, instructions or long text outside of CDATA', () => {
  const long = 'x&amp;'.repeat(100)
  const checked = checkXml(
    `<!DOCTYPE a><a>1<!-- ' -->2<?p don't?>${long}<![CDATA[c]]></a> <!-- end -->`,
    LIMITS,
  )
  expect(checked).toEqual({ ok: true, root: `<a>12<![CDATA[${TEXT_MARK}${long}]]><![CDATA[c]]></a>` })
})

describe('limits', () => {
  const long = 'a\u{10000}'.repeat(6_000_000)
  test.each([
    [`<${long}/>`, 'a name is longer than 1000 characters (line 1, column 2)'],
    [`<a ${long}="1"/>`, 'a name is longer than 1000 characters (line 1, column 4)'],
    [`<a></${long}>`, 'a name is longer than 1000 characters (line 1, column 6)'],
    [`<a>&${long};</a>`, '& that begins no reference (line 1, column 4)'],
    [`<!DOCTYPE ${long} a><a/>`, 'the DOCTYPE is malformed (line 1, column 1)'],
    [`<!DOCTYPE a SYSTEM "${long}" a><a/>`, 'the DOCTYPE is malformed (line 1, column 1)'],
  ])('a name or address of millions of characters is a fault like others: %#', (xml, expected) => {
    expect(messageOf(xml)).toBe(`not well-formed XML: ${expected}`)
  })

  test('a name may have 1000 characters, whole ones', () => {
    expect(messageOf(`<${'x'.repeat(1_000)}/>`)).toBe('ok')
    expect(messageOf(`<${'\u{10000}'.repeat(500)} a="1"/>`)).toBe('ok')
    expect(messageOf(`<x${'\u{10000}'.repeat(500)}/>`)).toContain('a name is longer than 1000 characters')
    expect(messageOf(`<!DOCTYPE a SYSTEM "${long}"><a/>`)).toBe('ok')
  })

  test('depth counts elements', () => {
    const nested = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth)
    expect(messageOf(nested(100))).toBe('ok')
    expect(messageOf(nested(101))).toBe('nested deeper than 100 levels (line 1, column 301)')
    expect(problemOf(nested(501), { ...LIMITS, depthMax: 1e9 })).toBe('too_deep')
    expect(problemOf(`${'<a>'.repeat(99)}<b/>${'</a>'.repeat(99)}`)).toBe('ok')
    expect(problemOf('<a>'.repeat(1_000_000))).toBe('too_deep')
  })

  test('elements, attributes and CDATA sections count together', () => {
    const xml = '<a x="1"><b y="2" z="3"/><![CDATA[t]]></a>'
    expect(problemOf(xml, { ...LIMITS, keysMax: 6 })).toBe('ok')
    expect(problemOf(xml, { ...LIMITS, keysMax: 5 })).toBe('too_many_keys')
  })
})
