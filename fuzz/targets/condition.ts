import { CONDITION_OPERATIONS, holds, parseCondition } from '../../src/payload/condition.ts'
import { type Json, parseExact } from '../../src/payload/exact-json.ts'
import { joinParts, partsOf, promised, target } from '../target.ts'

const PAYLOAD = '{"a":{"b":[1,"2",3.50,12345678901234567890,null,true]},"s":"Hello","n":"1e400","d":0.1}'

export const condition = target({
  name: 'condition',
  reads: 'a condition as the API takes it, and a payload',
  promise: 'refused with its place, or either it holds or its contrary does',
  seeds: [
    '{"path":"a.b[]","op":"equals","value":2}',
    '{"all":[{"path":"s","op":"startsWith","value":"He"},{"not":{"path":"x","op":"exists"}}]}',
    '{"any":[{"path":"n","op":"greater","value":1e399},{"path":"d","op":"less","value":"0.1000"}]}',
    '{"path":"a","op":"in","value":[{"b":[1]},null]}',
    '{"path":"s","op":"contains","value":"ell"}',
    '{"path":"a.b[]","op":"notEquals","value":{"__proto__":1}}',
    '{"not":{"not":{"not":{"path":"","op":"absent"}}}}',
    '{"path":"s","op":"matches","value":"^(?i)h[a-z]{2,4}(l|o)+$"}',
  ].map((written) => joinParts(written, PAYLOAD)),
  words: [
    '"path":',
    '"op":',
    '"value":',
    '"all":[',
    '"any":[',
    '"not":',
    ...CONDITION_OPERATIONS.map((operation) => `"${operation}"`),
    '{',
    '}',
    ']',
    ',',
    '"a.b[]"',
    '"s"',
    '(a+)+$',
    '(?:[ab]{0,99}){5}',
    '.*',
    '\\\\pL',
    'null',
    '1e400',
    '0.10',
    '"1"',
    '\n---\n',
  ],
  long: {
    'a long text': (bytes) =>
      joinParts('{"path":"s","op":"contains","value":"aab"}', `{"s":"${'a'.repeat(bytes)}"}`),
    'a pattern that takes others years': (bytes) =>
      joinParts(
        '{"path":"l[]","op":"matches","value":"(a+)+$"}',
        `{"l":[${`"${'a'.repeat(900)}!",`.repeat(bytes / 910)}1]}`,
      ),
    'a long list': (bytes) =>
      joinParts('{"path":"l[]","op":"equals","value":"1.0"}', `{"l":[${'1,'.repeat(bytes / 2)}1]}`),
    'a long number': (bytes) =>
      joinParts('{"path":"n","op":"greater","value":1}', `{"n":1${'0'.repeat(bytes)}}`),
    'a number that is a text': (bytes) =>
      joinParts('{"path":"n","op":"less","value":1}', `{"n":"0.${'0'.repeat(bytes)}1"}`),
  },
  read(input) {
    const [written, payload] = partsOf(input, 2).map(readJson)
    if (written === undefined || payload === undefined) return undefined
    const parsed = parseCondition(written)
    if (!parsed.ok) return { refused: parsed.problem }
    return { holds: holds(parsed.condition, payload), contrary: holds({ not: parsed.condition }, payload) }
  },
  judge(input, result) {
    if (!result) return
    // It may name every key that is unknown.
    if ('refused' in result) promised(result.refused.length < 6 * input.length + 500, 'a refusal is no essay')
    else promised(result.holds !== result.contrary, 'either it holds or its contrary does')
  },
})

function readJson(bytes: Buffer): Json | undefined {
  try {
    return parseExact(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
