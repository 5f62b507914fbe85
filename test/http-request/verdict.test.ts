import { describe, expect, test } from 'vitest'
import { type VerdictPolicy, verdict } from '../../src/http-request/verdict.ts'
import type { Answer, FailureReason } from '../../src/outbound/outbound.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const POLICY: VerdictPolicy = {
  success: ['2xx'],
  retryOn: [],
  deadOn: [],
  retryAfterMaxMs: 3_600_000,
  now: NOW,
}
const timing = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, totalMs: 1 }

function answered(status: number, headers: [string, string][] = []): Answer {
  const body = Buffer.alloc(0)
  return { ok: true, status, headers, body, truncated: false, timing, remoteAddress: '192.0.2.1' }
}

function unanswered(reason: FailureReason): Answer {
  return { ok: false, reason, message: 'because', timing }
}

describe('the verdict on an answer', () => {
  test.each([
    [200, 'delivered', 'success'],
    [201, 'delivered', 'success'],
    [202, 'delivered', 'success'],
    [204, 'delivered', 'success'],
    [299, 'delivered', 'success'],
    [300, 'dead', 'redirect'],
    [301, 'dead', 'redirect'],
    [302, 'dead', 'redirect'],
    [304, 'dead', 'redirect'],
    [307, 'dead', 'redirect'],
    [308, 'dead', 'redirect'],
    [400, 'dead', 'bad_payload'],
    [401, 'dead', 'unauthorized'],
    [402, 'retry', 'refused'],
    [403, 'dead', 'unauthorized'],
    [404, 'dead', 'not_found'],
    [405, 'dead', 'not_allowed'],
    [408, 'retry', 'busy'],
    [409, 'retry', 'refused'],
    [410, 'dead', 'not_found'],
    [413, 'dead', 'payload_too_large'],
    [414, 'dead', 'payload_too_large'],
    [415, 'dead', 'bad_payload'],
    [418, 'retry', 'refused'],
    [422, 'dead', 'bad_payload'],
    [423, 'retry', 'refused'],
    [425, 'retry', 'busy'],
    [429, 'retry', 'busy'],
    [500, 'retry', 'server_error'],
    [501, 'retry', 'server_error'],
    [502, 'retry', 'server_error'],
    [503, 'retry', 'server_error'],
    [504, 'retry', 'server_error'],
    [599, 'retry', 'server_error'],
    [999, 'retry', 'server_error'],
  ])('%i: %s (%s), with a sentence that names the status', (status, expected, reason) => {
    const found = verdict(answered(status), POLICY)
    expect(found).toMatchObject({ verdict: expected, reason })
    expect(found.message).toContain(String(status))
  })

  test.each<[FailureReason, string]>([
    ['blocked_address', 'dead'],
    ['bad_url', 'dead'],
    ['bad_request', 'dead'],
    ['dns', 'retry'],
    ['connect', 'retry'],
    ['tls', 'retry'],
    ['timeout', 'retry'],
    ['reset', 'retry'],
    ['protocol', 'retry'],
    ['too_large', 'retry'],
    ['aborted', 'retry'],
    ['closed', 'retry'],
  ])('no answer, %s: %s', (reason, expected) => {
    expect(verdict(unanswered(reason), POLICY)).toEqual({ verdict: expected, reason, message: 'because' })
  })

  test('success is what the destination lists', () => {
    const only = { ...POLICY, success: [200, 409] }
    expect(verdict(answered(200), only).verdict).toBe('delivered')
    expect(verdict(answered(409), only).verdict).toBe('delivered')
    expect(verdict(answered(204), only)).toMatchObject({ verdict: 'dead', reason: 'other_success' })
    expect(verdict(answered(404), { ...POLICY, success: ['2xx', 404] }).verdict).toBe('delivered')
  })

  test('statuses that the destination lists are tried again or end at once, and the sentence says so', () => {
    const listed = { ...POLICY, retryOn: [404, '5xx', 202, 307], deadOn: [429, 501, '4xx'] }
    const found = (status: number) => verdict(answered(status, [['retry-after', '5']]), listed)
    expect(found(404)).toMatchObject({ verdict: 'retry', reason: 'not_found', retryAfterMs: 5_000 })
    expect(found(404).message).toMatch(/check the URL.*its "retryOn" lists this/)
    expect(found(202)).toMatchObject({ verdict: 'retry', reason: 'other_success' })
    expect(found(307)).toMatchObject({ verdict: 'retry', reason: 'redirect' })
    expect(found(429)).toMatchObject({ verdict: 'dead', reason: 'busy' })
    expect(found(429).message).toBe('the destination answered 429 (its "deadOn" lists this)')
    expect(found(409)).toMatchObject({ verdict: 'dead', reason: 'refused' })
    expect(found(501)).toMatchObject({ verdict: 'dead', reason: 'server_error' })
    expect(found(500)).toMatchObject({ verdict: 'retry', message: 'the destination answered 500' })
    expect(found(400).message).not.toContain('deadOn')
    expect(found(204).verdict).toBe('delivered')
  })

  test('failures of the network that the destination lists, too', () => {
    const listed = { ...POLICY, retryOn: ['blocked_address'], deadOn: ['tls', 'timeout'] }
    expect(verdict(unanswered('blocked_address'), listed)).toMatchObject({ verdict: 'retry' })
    expect(verdict(unanswered('tls'), listed)).toEqual({
      verdict: 'dead',
      reason: 'tls',
      message: 'because (its "deadOn" lists this)',
    })
    expect(verdict(unanswered('timeout'), listed)).toMatchObject({ verdict: 'dead', reason: 'timeout' })
    expect(verdict(unanswered('dns'), listed)).toMatchObject({ verdict: 'retry', message: 'because' })
  })

  test('a redirect says where it led', () => {
    const { message } = verdict(answered(302, [['location', 'https://other.example/']]), POLICY)
    expect(message).toContain('https://other.example/')
  })
})

describe('Retry-After', () => {
  test.each([
    ['120', 120_000],
    ['0', 0],
    ['0.5', 500],
    ['86400', 3_600_000],
    ['99999999999999999999', 3_600_000],
    ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
    ['Sunday, 01-Mar-26 12:00:30 GMT', 30_000],
    ['Sun Mar  1 12:00:30 2026', 30_000],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['Sun, 01 Mar 2099 11:00:00 GMT', 3_600_000],
  ])('%s is honoured up to the limit', (header, expected) => {
    for (const status of [429, 503])
      expect(verdict(answered(status, [['retry-after', header]]), POLICY)).toMatchObject({
        verdict: 'retry',
        retryAfterMs: expected,
      })
  })

  test.each([
    '',
    'soon',
    '-5',
    '1e9',
    '2026-03-01',
    'Sun, 99 Mar 2026 12:00:30 GMT',
    '12 minutes',
    'Infinity',
  ])('%j says nothing', (header) => {
    expect(verdict(answered(503, [['retry-after', header]]), POLICY)).not.toHaveProperty('retryAfterMs')
  })

  test('does not bring back what ended', () => {
    expect(verdict(answered(400, [['retry-after', '5']]), POLICY)).toMatchObject({ verdict: 'dead' })
  })
})
