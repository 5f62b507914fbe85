import { expect, test } from 'vitest'
import { checkSettings } from '../../src/cli/checked-settings.ts'
import { readSettings, SettingsError } from '../../src/platform/settings.ts'

const MIB = 1024 * 1024

function problemsOf(env: Record<string, string>): string[] {
  try {
    checkSettings(readSettings(env))
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
}

test('a database that is no PostgreSQL by its address is refused', () => {
  const SLUICE_MASTER_KEY = Buffer.alloc(32).toString('base64')
  const of = (DATABASE_URL: string) => problemsOf({ DATABASE_URL, SLUICE_MASTER_KEY })
  expect(of('mysql://sluice@db/sluice')).toEqual(['DATABASE_URL must begin with postgres://'])
  for (const scheme of ['postgres', 'postgresql']) expect(of(`${scheme}://sluice@db/sluice`)).toEqual([])
})

test('memory in which a permitted body never fits is refused, with the least that will do', () => {
  const bodies = { BODY_BYTES_MAX: String(5 * MIB), COMPRESSED_BYTES_MAX: String(MIB) }
  expect(problemsOf({ ...bodies, PENDING_BYTES_MAX: String(6 * MIB - 1) })).toEqual([
    `PENDING_BYTES_MAX must be ${6 * MIB} at least, BODY_BYTES_MAX and COMPRESSED_BYTES_MAX together: a body that never fits into memory would be answered 503 for ever`,
  ])
  expect(problemsOf({ ...bodies, PENDING_BYTES_MAX: String(6 * MIB) })).toEqual([])
  // What is no number at all is told as such, and only so.
  expect(problemsOf({ ...bodies, PENDING_BYTES_MAX: 'much' })).toEqual([
    expect.stringMatching(/^PENDING_BYTES_MAX must be a whole number/),
  ])
})

test('memory that is too small for what an integration may allow is told at the start', () => {
  const warningsOf = (bytes: number) =>
    checkSettings(readSettings({ PENDING_BYTES_MAX: String(bytes) })).warnings
  expect(warningsOf(42 * MIB)).toEqual([])
  expect(warningsOf(42 * MIB - 1)).toEqual([expect.stringMatching(/^PENDING_BYTES_MAX: .* 33554432 bytes/)])
})

test.each([
  ['', ''],
  ['hooks.example.com', 'hooks.example.com'],
  ['Hooks.Example.COM.', 'hooks.example.com'],
  ['Hüks.example', 'xn--hks-hoa.example'],
  ['localhost', 'localhost'],
])('BASE_DOMAIN %s is the domain %s', (BASE_DOMAIN, domain) => {
  expect(checkSettings(readSettings({ BASE_DOMAIN })).baseDomain).toBe(domain)
})

test.each([
  'hooks.example.com:8443',
  'https://hooks.example.com',
  'hooks.example.com/x',
  '*.hooks.example.com',
  'hooks..example.com',
  '-hooks.example.com',
  'user@example.com',
  'hooks example.com',
  '192.0.2.1',
  '[::1]',
  '.',
])('BASE_DOMAIN %s is refused with a sentence', (BASE_DOMAIN) => {
  expect(problemsOf({ BASE_DOMAIN })).toEqual([
    `BASE_DOMAIN: "${BASE_DOMAIN}" is no domain; write it as hooks.example.com, without scheme, port and path`,
  ])
})
