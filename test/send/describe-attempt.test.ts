import { expect, test } from 'vitest'
import type { Verdict } from '../../src/http-request/verdict.ts'
import type { Answer } from '../../src/outbound/outbound.ts'
import { describeAttempt } from '../../src/send/describe-attempt.ts'

const SECRET = 'top-secret-token'
const KEPT_BODY_BYTES_MAX = 1_000
const FACTS = {
  id: '0190a000-0000-7000-8000-000000000001',
  startedAt: new Date(0),
  responseBytesMax: KEPT_BODY_BYTES_MAX,
  request: {
    method: 'POST',
    url: `https://a.example/?k=${SECRET}`,
    headers: [
      ['authorization', `Bearer ${SECRET}`],
      ['sluice-attempt', '3'],
    ] as [string, string][],
    hidden: { names: ['authorization'], texts: [SECRET] },
  },
}
const TIMING = { dnsMs: 1.23, connectMs: null, tlsMs: null, firstByteMs: 4, totalMs: 5.06 }

function answered(body: Buffer): Answer {
  const headers: [string, string][] = [
    ['content-type', 'text/plain'],
    ['x-echo', SECRET],
  ]
  return {
    ok: true,
    status: 502,
    headers,
    body,
    truncated: false,
    timing: TIMING,
    remoteAddress: '192.0.2.1',
  }
}

const RETRY: Verdict = { verdict: 'retry', reason: 'server_error', message: 'the destination answered 502' }

test('an attempt is kept without any secret, not even where the answer echoes one', () => {
  const record = describeAttempt({
    ...FACTS,
    answer: answered(Buffer.from(`you sent ${SECRET}, ä`)),
    verdict: RETRY,
  })
  expect(record).toEqual({
    id: FACTS.id,
    startedAt: FACTS.startedAt,
    request: {
      method: 'POST',
      url: 'https://a.example/?k=***',
      headers: [
        ['authorization', '***'],
        ['sluice-attempt', '3'],
      ],
    },
    verdict: 'retry',
    reason: 'server_error: the destination answered 502',
    status: 502,
    responseHeaders: [
      ['content-type', 'text/plain'],
      ['x-echo', '***'],
    ],
    responseBody: Buffer.from('you sent ***, ä'),
    timing: { dnsMs: 1.2, firstByteMs: 4, totalMs: 5.1 },
  })
})

test.each([
  ['in JSON, as PHP writes it', '{"got":"s\\u00e9cret\\/"}', '{"got":"***"}'],
  ['in JSON in UTF-8', '{"got":"sécret\\/"}', '{"got":"***"}'],
  ['in a form', 'got=s%C3%A9cret%2F&ä=1', 'got=***&ä=1'],
])('a secret is masked as the answer writes it: %s', (_, body, kept) => {
  const request = { ...FACTS.request, hidden: { names: [], texts: ['sécret/'] } }
  const { responseBody } = describeAttempt({
    ...FACTS,
    request,
    answer: answered(Buffer.from(body)),
    verdict: RETRY,
  })
  expect(responseBody?.toString()).toBe(kept)
})

test('a long answer is cut, and no secret is left in halves at the cut', () => {
  const body = Buffer.from(`${'x'.repeat(KEPT_BODY_BYTES_MAX - 5)}${SECRET}${'y'.repeat(100)}`)
  const { responseBody } = describeAttempt({ ...FACTS, answer: answered(body), verdict: RETRY })
  expect(responseBody?.length).toBe(KEPT_BODY_BYTES_MAX)
  expect(responseBody?.toString()).not.toContain(SECRET.slice(0, 5))
})

test('of an answer nothing is kept where the destination asks for that', () => {
  const facts = { ...FACTS, responseBytesMax: 0, answer: answered(Buffer.from('x')), verdict: RETRY }
  expect(describeAttempt(facts)).toMatchObject({ status: 502, responseBody: Buffer.alloc(0) })
})

test('bytes that are no text are kept as they came', () => {
  const body = Buffer.from([0, 255, 254, 10])
  expect(describeAttempt({ ...FACTS, answer: answered(body), verdict: RETRY }).responseBody).toEqual(body)
})

test('without an answer the reason is the network, and a status that came before is kept', () => {
  const answer: Answer = {
    ok: false,
    reason: 'timeout',
    message: 'no complete answer',
    status: 200,
    timing: TIMING,
  }
  const verdict: Verdict = { verdict: 'retry', reason: 'timeout', message: 'no complete answer' }
  expect(describeAttempt({ ...FACTS, answer, verdict })).toMatchObject({
    reason: 'timeout: no complete answer',
    status: 200,
    responseHeaders: null,
    responseBody: null,
  })
})

test('an attempt that could not even be sent is kept too', () => {
  const verdict: Verdict = { verdict: 'dead', reason: 'bad_request', message: 'no' }
  expect(describeAttempt({ ...FACTS, answer: undefined, verdict })).toMatchObject({
    status: null,
    timing: {},
  })
})
