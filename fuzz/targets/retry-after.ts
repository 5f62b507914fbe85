import { readRetryAfter } from '../../src/http-request/retry-after.ts'
import { verdict } from '../../src/http-request/verdict.ts'
import { filled, HEADER_BYTES_MAX, joinParts, partsOf, promised, target } from '../target.ts'

const NOW = new Date('2026-01-01T00:00:00Z')
const DAY_MS = 86_400_000

export const retryAfter = target({
  name: 'retry-after',
  reads: 'the status of a destination, its Retry-After and its Location',
  promise:
    'a wait of a number of milliseconds from now on, within the limit, or none; the sentence about it is short',
  seeds: [
    joinParts('429', '120', ''),
    joinParts('503', 'Thu, 01 Jan 2026 00:00:30 GMT', ''),
    joinParts('503', 'Thursday, 01-Jan-26 00:00:30 GMT', ''),
    joinParts('503', 'Thu Jan  1 00:00:30 2026', ''),
    joinParts('500', '1.5', ''),
    joinParts('301', '', 'https://example.com/'),
    joinParts('429', '9'.repeat(400), ''),
    joinParts('429', '-1', ''),
  ],
  words: [
    'GMT',
    'Thu',
    'Jan',
    '2026',
    '00:00:00',
    ' ',
    ',',
    '-',
    '.',
    '9'.repeat(310),
    '1e9',
    'Infinity',
    '\n---\n',
  ],
  bytesMax: HEADER_BYTES_MAX,
  long: {
    digits: (bytes) => joinParts('429', filled(bytes, '9'), ''),
    'digits behind a point': (bytes) => joinParts('429', filled(bytes, '9', '1.', 'x'), ''),
    blanks: (bytes) => joinParts('429', filled(bytes, ' ', '1', 'x'), ''),
    'a date that is none': (bytes) => joinParts('429', filled(bytes, 'Thu, '), ''),
    'a location': (bytes) => joinParts('301', '', filled(bytes, 'x')),
  },
  read(input) {
    const [status = '', wait = '', location = ''] = partsOf(input, 3).map((part) => part.toString('latin1'))
    const answer = {
      ok: true,
      status: /^[1-5][0-9]{2}$/.test(status) ? Number(status) : 503,
      headers: [
        ['retry-after', wait],
        ['location', location],
      ],
    } as unknown as Parameters<typeof verdict>[0]
    const policy = { success: ['2xx'], retryOn: [], deadOn: [], retryAfterMaxMs: DAY_MS, now: NOW }
    return { waitMs: readRetryAfter(wait, NOW), verdict: verdict(answer, policy) }
  },
  judge(_input, { waitMs, verdict: found }) {
    promised(waitMs === undefined || waitMs >= 0, 'a wait is from now on')
    promised(found.message.length < 1_000, 'the sentence is short')
    if (found.verdict !== 'retry' || found.retryAfterMs === undefined) return
    promised(found.retryAfterMs >= 0 && found.retryAfterMs <= DAY_MS, 'a wait is within the limit')
    promised(
      !Number.isNaN(new Date(NOW.getTime() + found.retryAfterMs).getTime()),
      'the next try is at a time',
    )
  },
})
