/** One row of the table in the README: what XML becomes which JSON, with which paths of `alwaysList`. */
export interface XmlCase {
  readonly promise: string
  readonly xml: string
  readonly json: unknown
  readonly alwaysList?: readonly string[]
}

export const XML_CASES: readonly XmlCase[] = [
  {
    promise: 'the root element is the one key',
    xml: '<order><id>1</id></order>',
    json: { order: { id: '1' } },
  },
  {
    promise: 'text is always a string',
    xml: '<a><n>0012345</n><n>1e3</n><n>true</n></a>',
    json: { a: { n: ['0012345', '1e3', 'true'] } },
  },
  {
    promise: 'attributes are `@name`',
    xml: '<a id="7" t=\'x "y"\'/>',
    json: { a: { '@id': '7', '@t': 'x "y"' } },
  },
  {
    promise: 'text beside attributes is `#text`',
    xml: '<price currency="EUR">5.00</price>',
    json: { price: { '@currency': 'EUR', '#text': '5.00' } },
  },
  {
    promise: 'text beside children is joined in `#text`; where it stood is lost',
    xml: '<c>Bitte <b>vor 12</b> liefern<br/>Danke!</c>',
    json: { c: { '#text': 'Bitte  liefernDanke!', b: 'vor 12', br: '' } },
  },
  { promise: 'an element that occurs once is a value', xml: '<l><i>a</i></l>', json: { l: { i: 'a' } } },
  {
    promise: 'an element that occurs several times is a list, in order',
    xml: '<l><i>a</i><x>1</x><i>b</i></l>',
    json: { l: { i: ['a', 'b'], x: '1' } },
  },
  {
    promise: 'paths in `alwaysList` are lists even with one element; absent ones stay absent',
    xml: '<l><i>a</i></l>',
    alwaysList: ['l.i', 'l.x'],
    json: { l: { i: ['a'] } },
  },
  {
    promise: '`alwaysList` reaches into the elements of lists',
    xml: '<o><l><i>a</i></l><l><i>b</i></l></o>',
    alwaysList: ['o.l.i'],
    json: { o: { l: [{ i: ['a'] }, { i: ['b'] }] } },
  },
  {
    promise: 'an empty element is ""',
    xml: '<a><b/><c></c><d ></d></a>',
    json: { a: { b: '', c: '', d: '' } },
  },
  {
    promise: 'an empty element with attributes has only these',
    xml: '<a><b x="1"/></a>',
    json: { a: { b: { '@x': '1' } } },
  },
  {
    promise: 'CDATA is text, as it stands',
    xml: '<a>1<![CDATA[<b>&amp;</b>]]>2</a>',
    json: { a: '1<b>&amp;</b>2' },
  },
  {
    promise: 'comments and processing instructions are gone and split no text',
    xml: '<?xml version="1.0"?><!-- it\'s --><?pi don\'t?><a>1<!-- " -->2<?x isn\'t?>3</a><!-- end -->',
    json: { a: '123' },
  },
  {
    promise: 'the five entities and character references are decoded once',
    xml: '<a b="&lt;&#x41;&quot;">&amp;lt; &#8364; &#x1F600; &apos;&gt;</a>',
    json: { a: { '@b': '<A"', '#text': "&lt; € 😀 '>" } },
  },
  {
    promise: 'blanks between child elements are dropped',
    xml: '<a>\n  <b>1</b>\n  <c>2</c>\n</a>',
    json: { a: { b: '1', c: '2' } },
  },
  {
    promise: 'text of an element without children stays as it is, blanks too',
    xml: '<a><b>  x\n </b><c> </c></a>',
    json: { a: { b: '  x\n ', c: ' ' } },
  },
  {
    promise: 'blanks count beside children under `xml:space="preserve"`, and as CDATA or references',
    xml: '<a><b xml:space="preserve"> <c/></b><d>&#32;<c/></d><e><![CDATA[ ]]><c/></e></a>',
    json: {
      a: {
        b: { '@xml:space': 'preserve', '#text': ' ', c: '' },
        d: { '#text': ' ', c: '' },
        e: { '#text': ' ', c: '' },
      },
    },
  },
  {
    promise: 'line ends become \\n, in attributes a blank; references to them stay',
    xml: '<a b="1\r\n2\t3&#10;4">x\r\ny\rz&#13;</a>',
    json: { a: { '@b': '1 2 3\n4', '#text': 'x\ny\nz\r' } },
  },
  {
    promise: 'prefixes stay as written, and `xmlns` is an attribute',
    xml: '<s:E xmlns:s="urn:s" xmlns="urn:d"><s:b x:y="1"/></s:E>',
    json: { 's:E': { '@xmlns:s': 'urn:s', '@xmlns': 'urn:d', 's:b': { '@x:y': '1' } } },
  },
  {
    promise: 'names that mean something in JavaScript are plain keys',
    xml: '<constructor __proto__="1" toString="2"><__proto__><x>1</x></__proto__><hasOwnProperty/><__proto__/></constructor>',
    json: {
      constructor: {
        '@__proto__': '1',
        '@toString': '2',
        ['__proto__']: [{ x: '1' }, ''],
        hasOwnProperty: '',
      },
    },
  },
  {
    promise: 'a DOCTYPE that only names a DTD is passed over',
    xml: '<!DOCTYPE cXML SYSTEM "http://127.0.0.1:9/cXML.dtd"><cXML/>',
    json: { cXML: '' },
  },
]
