import { expect, test } from 'vitest'
import type { Figures } from '../../chaos/accounts/accounts.ts'
import { endOf } from '../../chaos/report.ts'

const FINE: Figures = {
  acked: 12_345,
  lost: 0,
  duplicated: 17,
  wrong: 0,
  refused: 4,
  untaken: 3,
  unknown: 2,
  keptUnsaid: 1,
  slowestAckMs: 900,
}

test('a round in which nothing was lost or wrong ends with 0, whatever came twice or was refused', () => {
  expect(endOf({ total: FINE, failures: [] })).toEqual({
    line: 'acked 12345, lost 0, duplicated 17',
    code: 0,
  })
})

test('one that was lost ends it with 1, and the last line tells it', () => {
  expect(endOf({ total: { ...FINE, lost: 1 }, failures: [] })).toEqual({
    line: 'acked 12345, lost 1, duplicated 17',
    code: 1,
  })
})

test('one that is not as it has to be ends it with 1, though none was lost', () => {
  expect(endOf({ total: { ...FINE, wrong: 1 }, failures: [] })).toEqual({
    line: 'acked 12345, lost 0, duplicated 17',
    code: 1,
  })
})

test('a gateway that ended unasked ends it with 1, though nothing was lost', () => {
  const failures = ['Nobody had told it to: edge-1 ended with 1.']
  expect(endOf({ total: FINE, failures })).toEqual({ line: 'acked 12345, lost 0, duplicated 17', code: 1 })
})
