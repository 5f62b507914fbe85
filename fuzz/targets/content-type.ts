import { MIMEType } from 'node:util'
import { parseContentType } from '../../src/payload/content-type.ts'
import { filled, HEADER_BYTES_MAX, promised, target } from '../target.ts'

export const contentType = target({
  name: 'content-type',
  reads: 'a Content-Type field',
  promise: 'a type and a charset are the ones that MIMEType of Node finds, too',
  seeds: [
    'application/json',
    'Application/JSON ; charset="UTF-8"',
    'text/xml;charset=iso-8859-1;x="a\\"b"; y=1',
    'multipart/form-data; boundary=--x',
    'text/plain;;; charset = utf-8 ;',
    'text/plain; charset=utf-8; charset=utf-16',
    'text/plain; charset="utf\\-8"',
    'text',
    '/',
    'a/b;charset',
  ],
  words: [';', '=', '"', '\\', '/', 'charset', 'charset=', 'utf-8', ' ', '\t', 'a/b', '""'],
  bytesMax: HEADER_BYTES_MAX,
  long: {
    'one type': (bytes) => filled(bytes, 'a', '', '/b'),
    'blanks after the type': (bytes) => filled(bytes, ' ', 'a/b', 'x'),
    'blanks behind a semicolon': (bytes) => filled(bytes, ' ', 'a/b;', '"'),
    semicolons: (bytes) => filled(bytes, ';', 'a/b'),
    parameters: (bytes) => filled(bytes, ';a=b', 'a/b'),
    'a quoted value': (bytes) => filled(bytes, '\\\\', 'a/b;a="', '"'),
    'a quoted value that does not end': (bytes) => filled(bytes, '\\"', 'a/b;a="'),
  },
  read: (input) => parseContentType(input.toString('latin1')),
  judge(input, result) {
    if (!result) return
    const field = input.toString('latin1')
    const known = new MIMEType(field)
    promised(known.essence === result.type, 'the type is the one of MIMEType')
    // Blanks around =, which old clients send, make it another parameter to MIMEType.
    if (/[ \t]=|=[ \t]/.test(field)) return
    // MIMEType drops an empty value; a header that names an empty charset names none that is known.
    const charset = known.params.get('charset') ?? ''
    promised(
      charset.toLowerCase() === (result.charset ?? '').toLowerCase(),
      'the charset is the one of MIMEType',
    )
  },
})
