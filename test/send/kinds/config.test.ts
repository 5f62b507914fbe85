import { describe, expect, test } from 'vitest'
import { checkDestination } from '../../../src/integrations/destination-config.ts'
import { destinationWarnings } from '../../../src/integrations/destination-warnings.ts'
import { maskSecrets } from '../../../src/integrations/secrets.ts'
import { loadClient } from '../../../src/send/kinds/kind.ts'
import { configOf } from './world.ts'

const SERVER = { host: 'db.example.com', auth: { username: 'shop', password: 'the-password' } }
const GIVEN = {
  postgres: { ...SERVER, database: 'shop', table: 'orders', columns: { id: 'id' } },
  mysql: { ...SERVER, database: 'shop', table: 'orders', columns: { id: 'id' } },
  redis: { ...SERVER, stream: 'orders' },
  rabbitmq: { ...SERVER, routingKey: 'orders' },
  smtp: { ...SERVER, from: 'a@example.com', to: ['b@example.com'], subject: 'x' },
  file: { name: 'orders.ndjson' },
}
type Kind = keyof typeof GIVEN
const KINDS = Object.keys(GIVEN) as Kind[]
const NETWORK = KINDS.filter((kind) => kind !== 'file')

function problemsOf(kind: Kind, rest: object): string[] {
  const checked = checkDestination({ kind, ...GIVEN[kind], ...rest })
  return checked.ok ? [] : checked.problems.map(({ path, message }) => `${path}: ${message}`)
}

describe('the config of a destination of each kind', () => {
  test.each(KINDS)('%s: is read with its defaults, again as it was read, and knows no other key', (kind) => {
    const config = configOf({ kind, ...GIVEN[kind] })
    expect(config).toMatchObject({ timeoutMs: 30_000, retry: { kind: 'exponential' } })
    expect(checkDestination(config)).toEqual({ ok: true, config })
    expect(problemsOf(kind, { somethingElse: 1 })).toHaveLength(1)
  })

  test.each(NETWORK)('%s: its password is masked, and a masked one is read', (kind) => {
    const config = configOf({ kind, ...GIVEN[kind] })
    const masked = maskSecrets(config)
    expect(JSON.stringify(masked)).not.toContain('the-password')
    expect(checkDestination(masked)).toMatchObject({ ok: true })
  })

  test.each(NETWORK)('%s: its host is literal, and without TLS it gets a warning', (kind) => {
    for (const host of [
      '{{ host }}',
      'a b',
      'user@host',
      'host:80',
      'http://host',
      '',
      'host/path',
      '0x7f.1',
    ])
      expect(problemsOf(kind, { host }).join()).toMatch(/^host: /)
    const plain = configOf({ kind, ...GIVEN[kind], tls: kind === 'smtp' ? 'none' : false })
    expect(destinationWarnings(plain, new Date())).toMatchObject([{ path: 'tls' }])
    expect(destinationWarnings(configOf({ kind, ...GIVEN[kind] }), new Date())).toEqual([])
  })

  const wrong: [Kind, object, RegExp][] = [
    ['postgres', { columns: {} }, /^columns: /],
    ['postgres', { key: ['other'] }, /^key: "other" is none of the columns/],
    ['postgres', { columns: { id: 'a..b' } }, /^columns.id: /],
    ['postgres', { columns: { id: { template: '{{ a' } } }, /^columns.id/],
    ['postgres', { table: 'x'.repeat(64) }, /^table: /],
    ['postgres', { auth: undefined }, /^auth: /],
    ['mysql', { host: '192.0.2.1' }, /^host: with TLS must be a name/],
    ['redis', { fields: { delivery_id: 'id' } }, /^fields: /],
    ['redis', { stream: '' }, /^stream: /],
    ['rabbitmq', { routingKey: '' }, /^routingKey: /],
    ['rabbitmq', { headers: { 'sluice-attempt': '1' } }, /^headers.sluice-attempt: cannot be chosen/],
    ['smtp', { from: 'a@example.com, b@example.com' }, /^from: is not one mailbox/],
    ['smtp', { from: 'x\r\nBcc: y <a@example.com>' }, /^from: is not one mailbox/],
    ['smtp', { auth: { password: 'x' } }, /^auth.username: /],
    ['smtp', { tls: 'none', ca: '-----BEGIN CERTIFICATE-----' }, /^ca: /],
    ['file', { name: '/etc/passwd' }, /^name: /],
    ['file', { name: 'a/../b' }, /^name: /],
    ['file', { name: '..' }, /^name: /],
  ]
  test.each(wrong)('%s with %j is refused', (kind, rest, problem) => {
    expect(problemsOf(kind, rest).join('\n')).toMatch(problem)
  })
})

test('a client that is not installed ends the delivery and says how to install it', async () => {
  const name = 'sluice-client-that-nobody-has'
  await expect(loadClient(name, () => import(name as string))).rejects.toMatchObject({
    verdict: {
      verdict: 'dead',
      reason: 'client_missing',
      message: expect.stringContaining(`npm install ${name}`),
    },
  })
})
