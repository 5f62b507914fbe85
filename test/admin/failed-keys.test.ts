import { expect, test } from 'vitest'
import { createFailedKeys } from '../../src/admin/failed-keys.ts'

const SECOND_MS = 1_000
let nowMs = 0

function limit(perMinute: number) {
  nowMs = 0
  const failedKeys = createFailedKeys(perMinute, () => nowMs)
  return {
    ...failedKeys,
    /** A wrong key; for how long its source has to wait. */
    wrong(source: string, key = `wrong ${nowMs} ${Math.random()}`): number {
      const waitMs = failedKeys.take(source, key)
      if (waitMs === 0) failedKeys.failed(source, key)
      return waitMs
    },
    right(source: string, key: string): number {
      const waitMs = failedKeys.take(source, key)
      if (waitMs === 0) failedKeys.passed(source, key)
      return waitMs
    },
  }
}

test('so many wrong keys are looked at, and then one each time the wait is over', () => {
  const keys = limit(6)
  for (let tries = 0; tries < 6; tries++) expect(keys.wrong('a')).toBe(0)
  expect(keys.wrong('a')).toBe(10 * SECOND_MS)
  nowMs += 4 * SECOND_MS
  expect(keys.wrong('a')).toBe(6 * SECOND_MS)
  nowMs += 6 * SECOND_MS
  expect(keys.wrong('a')).toBe(0)
  expect(keys.wrong('a')).toBe(10 * SECOND_MS)
  nowMs += 3_600 * SECOND_MS
  for (let tries = 0; tries < 6; tries++) expect(keys.wrong('a')).toBe(0)
  expect(keys.wrong('a')).toBeGreaterThan(0)
})

test('wrong keys of one source cost others nothing', () => {
  const keys = limit(2)
  while (keys.wrong('a') === 0);
  expect(keys.wrong('b')).toBe(0)
})

test('many at the same moment get no more than their number', () => {
  const keys = limit(3)
  const waits = Array.from({ length: 10 }, (_, index) => keys.take('a', `wrong ${index}`))
  expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(3)
})

test('right keys use nothing up, and one that is known is looked at whatever others of its source do', () => {
  const keys = limit(2)
  for (let tries = 0; tries < 10; tries++) expect(keys.right('a', 'known')).toBe(0)
  while (keys.wrong('a') === 0);
  expect(keys.right('a', 'known')).toBe(0)
  expect(keys.right('a', 'another right one')).toBeGreaterThan(0)
  expect(keys.right('b', 'known')).toBe(0)
})

test('a key that is no longer right is known no longer', () => {
  const keys = limit(2)
  keys.right('a', 'revoked')
  while (keys.wrong('a') === 0);
  expect(keys.wrong('a', 'revoked')).toBe(0)
  expect(keys.wrong('a', 'revoked')).toBeGreaterThan(0)
})

test('sources that are invented without end take no more memory, and forget those before them', () => {
  const keys = limit(1)
  expect(keys.wrong('first')).toBe(0)
  expect(keys.wrong('first')).toBeGreaterThan(0)
  for (let number = 0; number < 10_000; number++) expect(keys.wrong(`source ${number}`)).toBe(0)
  expect(keys.wrong('source 9999')).toBeGreaterThan(0)
  expect(keys.wrong('first')).toBe(0)
})
