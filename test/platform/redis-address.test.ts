import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  describeRedisAddress,
  type RedisAddress,
  readRedisAddress,
} from '../../src/platform/redis-address.ts'

const plain: RedisAddress = {
  kind: 'single',
  hosts: [{ host: 'localhost', port: 6_379 }],
  tls: false,
  masterName: '',
  db: 0,
  username: undefined,
  password: undefined,
  sentinelUsername: undefined,
  sentinelPassword: undefined,
}

test.each<[string, Partial<RedisAddress>, string]>([
  ['redis://localhost', {}, 'redis://localhost:6379/0'],
  [
    'redis://localhost:7000/3',
    { hosts: [{ host: 'localhost', port: 7_000 }], db: 3 },
    'redis://localhost:7000/3',
  ],
  ['redis://:secret@localhost', { password: 'secret' }, 'redis://:***@localhost:6379/0'],
  [
    'rediss://me:a%40b%2F%25@redis.example/0',
    { tls: true, username: 'me', password: 'a@b/%', hosts: [{ host: 'redis.example', port: 6_379 }] },
    'rediss://me:***@redis.example:6379/0',
  ],
  ['redis://[::1]:6380', { hosts: [{ host: '::1', port: 6_380 }] }, 'redis://[::1]:6380/0'],
  [
    'redis+sentinel://u:p@h1,h2:7000/mymaster/2?sentinelUsername=s&sentinelPassword=a+b%26',
    {
      kind: 'sentinel',
      hosts: [
        { host: 'h1', port: 26_379 },
        { host: 'h2', port: 7_000 },
      ],
      masterName: 'mymaster',
      db: 2,
      username: 'u',
      password: 'p',
      sentinelUsername: 's',
      sentinelPassword: 'a+b&',
    },
    'redis+sentinel://u:***@h1:26379,h2:7000/mymaster/2',
  ],
  [
    'rediss+cluster://h1:6379,h2',
    {
      kind: 'cluster',
      tls: true,
      hosts: [
        { host: 'h1', port: 6_379 },
        { host: 'h2', port: 6_379 },
      ],
    },
    'rediss+cluster://h1:6379,h2:6379',
  ],
])('%s is read, and shown without its password', (text, expected, shown) => {
  const reading = readRedisAddress(text)
  expect(reading).toEqual({ ok: true, address: { ...plain, ...expected } })
  if (reading.ok) expect(describeRedisAddress(reading.address)).toBe(shown)
})

test.each([
  ['http://localhost', /must look like/],
  ['localhost:6379', /must look like/],
  ['redis://:se/cret@localhost', /host that cannot be read|must look like|database number/],
  ['redis://', /host that cannot be read/],
  ['redis://h1,h2', /redis\+sentinel:\/\/ or redis\+cluster:\/\//],
  ['redis://localhost:0', /port out of range/],
  ['redis://localhost:70000', /port out of range/],
  ['redis://localhost/first', /database number/],
  ['redis://localhost/1/2', /database number/],
  ['redis://secret@localhost', /user without a password/],
  ['redis://:%zzsecret@localhost', /percent-encoded/],
  ['redis://localhost?family=6', /option that is not known/],
  ['redis+sentinel://h1,h2', /name of the master/],
  ['redis+sentinel://h1/mymaster?sentinelPasword=secret', /option that is not known/],
  ['redis+cluster://h1/1', /only 0/],
])('%s is refused with a sentence that keeps secrets', (text, sentence) => {
  const reading = readRedisAddress(text)
  if (reading.ok) throw new Error('was read')
  expect(reading.problem).toMatch(sentence)
  expect(reading.problem).toMatch(/^REDIS_URL /)
  expect(reading.problem).not.toMatch(/se\/?cret/)
})

describe('any password', () => {
  test('survives its encoding and is never shown', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), fc.nat(15), (secret, db) => {
        const reading = readRedisAddress(`redis://:${encodeURIComponent(secret)}@localhost/${db}`)
        expect(reading).toMatchObject({ ok: true, address: { password: secret, db } })
        if (reading.ok)
          expect(describeRedisAddress(reading.address)).toBe(`redis://:***@localhost:6379/${db}`)
      }),
    )
  })

  test('never comes back in a problem, however wrong the rest is', () => {
    const garbage = fc.string({ unit: fc.constantFrom(...'@:/?#%,[]&=ab1') })
    fc.assert(
      fc.property(garbage, garbage, (before, after) => {
        const reading = readRedisAddress(`redis://${before}hunter2${after}@host:x`)
        expect(reading.ok ? '' : reading.problem).not.toContain('hunter2')
      }),
    )
  })
})
