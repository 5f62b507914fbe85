import { type Json, parseExact } from '../../src/payload/exact-json.ts'
import { mergeFieldsOf } from '../../src/payload/merge-fields.ts'
import { compileTemplate, renderTemplate } from '../../src/payload/template.ts'
import { filled, promised, target } from '../target.ts'

export const mergeFields = target({
  name: 'merge-fields',
  reads: 'a payload of which the fields are listed that a template can name',
  promise: 'at most 500 fields, and each of them prints in a template what its example says',
  seeds: [
    '{"id":1,"order":{"items":[{"sku":"a","odd key":"b"},1],"total":12.50},"none":null,"yes":true}',
    '{"true":1,"and":2,"a-b":3,"0":4,"":5,"__proto__":{"x":1},"a.b":6,"a\\"b":7,"{{":8,"size":{"first":1}}',
    '[1]',
    '{"long":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx😀"}',
    '{"n":12345678901234567890,"d":1e400,"l":[[1,2],[3]],"e":[]}',
  ],
  words: [
    '"a":',
    '"first"',
    '"last"',
    '"size"',
    '"empty"',
    '"not"',
    '{',
    '}',
    '[',
    ']',
    ',',
    '1',
    '"x"',
    '\\"',
    '\\u007b',
    '%',
    '{}',
  ],
  long: {
    fields: (bytes) => Buffer.from(`{${Array.from({ length: bytes / 10 }, (_, at) => `"a${at}":1`).join()}}`),
    'elements of a list': (bytes) => filled(bytes, '1,', '{"a":[', '1]}'),
    'one key': (bytes) => filled(bytes, 'a', '{"', '":1}'),
    'one text': (bytes) => filled(bytes, 'a', '{"a":"', '"}'),
  },
  read(input) {
    const payload = jsonOf(input.toString('utf8'))
    return { payload, fields: payload === undefined ? [] : mergeFieldsOf(payload) }
  },
  judge(_input, { payload, fields }) {
    promised(fields.length <= 500, 'at most 500 fields')
    for (const { path, example, kind } of fields) {
      const compiled = compileTemplate(`{{ ${path} }}`)
      promised(compiled.ok, 'a field is a path that a template can have')
      const printed = renderTemplate(compiled.template, payload ?? null, (text) => text)
      promised(printed.ok, 'a field is there')
      if (kind === 'list') continue
      const isPrinted =
        printed.text === example || printed.text.toWellFormed().startsWith(example.slice(0, -2))
      promised(isPrinted, 'a field prints its example')
    }
  },
})

function jsonOf(text: string): Json | undefined {
  try {
    return parseExact(text)
  } catch {
    return undefined
  }
}
