import { expect, test } from 'vitest'
import { parseContentType } from '../../src/payload/content-type.ts'

test.each([
  ['application/json', 'application/json', undefined],
  ['Application/JSON;charset=UTF-8', 'application/json', 'UTF-8'],
  ['text/xml ; charset="utf-8"', 'text/xml', 'utf-8'],
  ['text/xml; charset="ut\\f-8"', 'text/xml', 'utf-8'],
  ['text/xml; charset = utf-8', 'text/xml', 'utf-8'],
  ['application/json;', 'application/json', undefined],
  ['application/json; ; charset=utf-8;', 'application/json', 'utf-8'],
  ['application/vnd.api+json; profile="a;charset=x"; CharSet=utf-8', 'application/vnd.api+json', 'utf-8'],
  ['text/plain; charset=utf-8; charset=UTF-8', 'text/plain', 'UTF-8'],
  ['multipart/form-data; boundary=----x', 'multipart/form-data', undefined],
])('%s is read', (field, type, charset) => {
  expect(parseContentType(field)).toEqual({ type, charset })
})

test.each([
  'json',
  'application/',
  '/json',
  'application/json charset=utf-8',
  'application/json; charset',
  'application/json; charset=',
  'application/json; charset="utf-8',
  'application/json; charset=utf-8; charset=latin1',
  'application/json, text/xml',
  'application/json\n',
  `application/json; x=${'y'.repeat(2_000)}`,
])('%s is malformed', (field) => {
  expect(parseContentType(field)).toBeUndefined()
})
