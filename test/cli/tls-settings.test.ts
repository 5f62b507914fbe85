import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, rename, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { readAllSettings } from '../../src/cli/all-settings.ts'
import { checkSettings } from '../../src/cli/checked-settings.ts'
import { renewTls, type Tls } from '../../src/cli/tls-renewal.ts'
import { readSettings, SettingsError } from '../../src/platform/settings.ts'
import { makeAuthority, makeCertificate } from '../world/certificates.ts'
import { eventually } from '../world/eventually.ts'
import { makeServerCertificate } from '../world/https.ts'

const own = makeServerCertificate()
const authority = makeAuthority('Senders')
const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

let folder: string
const fileOf = (name: string) => path.join(folder, name)

beforeEach(async () => {
  folder = await mkdtemp(path.join(inject('scratch'), 'tls-'))
  await Promise.all([
    write('cert.pem', own.cert),
    write('key.pem', own.key),
    write('ca.pem', authority.cert),
    write('empty.pem', ''),
    write('other-key.pem', otherKey.export({ type: 'pkcs8', format: 'pem' })),
    write(
      'locked-key.pem',
      otherKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
    ),
    write('spoilt.pem', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'),
    mkdir(fileOf('folder.pem')),
  ])
})

function write(name: string, text: string | Buffer): Promise<void> {
  return writeFile(fileOf(name), text)
}

/** The files by their names in the folder; other settings as they are. */
function envOf(env: Record<string, string>): Record<string, string> {
  const paths = Object.entries(env).map(([name, value]) => [
    name,
    /\.pem$/.test(value) ? fileOf(value) : value,
  ])
  return Object.fromEntries(paths)
}

function problemsOf(env: Record<string, string>): string[] {
  try {
    readAllSettings(envOf(env), 'all')
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.problems.map((text) => text.replaceAll(`${folder}/`, ''))
    throw error
  }
}

const check = (env: Record<string, string>) => checkSettings(readSettings(envOf(env)))

describe('the TLS settings', () => {
  const pair = { TLS_CERT: 'cert.pem', TLS_KEY: 'key.pem' }

  test('may all be left out, and then HTTP is spoken', () => {
    expect(problemsOf({})).toEqual([])
    expect(check({})).toMatchObject({ tls: undefined, certificates: { proxies: [], header: '' } })
  })

  test('are a certificate and its key, and perhaps CAs', () => {
    expect(problemsOf(pair)).toEqual([])
    expect(check(pair).tls).toEqual({ cert: own.cert, key: own.key, clientCa: undefined })
    const withCa = { ...pair, TLS_CLIENT_CA: 'ca.pem' }
    expect(problemsOf(withCa)).toEqual([])
    expect(check(withCa).tls?.clientCa).toBe(authority.cert)
  })

  test('may name one file that holds both', async () => {
    await write('both.pem', own.key + own.cert + authority.cert)
    expect(problemsOf({ TLS_CERT: 'both.pem', TLS_KEY: 'both.pem', TLS_CLIENT_CA: 'both.pem' })).toEqual([])
  })

  test.each<[Record<string, string>, string[]]>([
    [{ TLS_CERT: 'cert.pem' }, ['TLS_KEY is required with TLS_CERT']],
    [{ TLS_KEY: 'key.pem' }, ['TLS_CERT is required with TLS_KEY']],
    [{ TLS_CLIENT_CA: 'ca.pem' }, [expect.stringMatching(/^TLS_CLIENT_CA needs TLS_CERT and TLS_KEY: /)]],
    [{ ...pair, TLS_CERT: 'none.pem' }, ['TLS_CERT: none.pem does not exist']],
    [{ ...pair, TLS_CERT: 'folder.pem' }, ['TLS_CERT: folder.pem is a folder, not a file']],
    [{ ...pair, TLS_CERT: 'key.pem' }, ['TLS_CERT: key.pem holds no certificate in PEM form']],
    [{ ...pair, TLS_CERT: 'empty.pem' }, ['TLS_CERT: empty.pem holds no certificate in PEM form']],
    [{ ...pair, TLS_CERT: 'spoilt.pem' }, ['TLS_CERT: spoilt.pem holds a certificate that cannot be read']],
    [{ ...pair, TLS_KEY: 'cert.pem' }, ['TLS_KEY: cert.pem holds no private key in PEM form']],
    [
      { ...pair, TLS_KEY: 'locked-key.pem' },
      ['TLS_KEY: the key in locked-key.pem has a passphrase; Sluice needs one without'],
    ],
    [
      { ...pair, TLS_KEY: 'other-key.pem' },
      ['TLS_KEY: the key in other-key.pem does not belong to the certificate in cert.pem'],
    ],
    [{ ...pair, TLS_CLIENT_CA: 'key.pem' }, ['TLS_CLIENT_CA: key.pem holds no certificate in PEM form']],
    [
      { CLIENT_CERT_HEADER: 'Client-Cert' },
      ['CLIENT_CERT_HEADER needs TRUSTED_PROXIES: from nobody else is it believed'],
    ],
    [
      { CLIENT_CERT_HEADER: 'Client Cert', TRUSTED_PROXIES: '10.0.0.1' },
      ['CLIENT_CERT_HEADER: "Client Cert" is no name of a header'],
    ],
  ])('%j is wrong', (env, problems) => {
    expect(problemsOf(env)).toEqual(problems)
  })

  test('tell all that is wrong together, beside what is wrong elsewhere', () => {
    const env = { PORT: 'x', TLS_CERT: 'none.pem', TLS_KEY: 'cert.pem', TLS_CLIENT_CA: 'empty.pem' }
    const problems = problemsOf({ ...env, CLIENT_CERT_HEADER: 'Client-Cert', DNS_SERVERS: 'x' })
    expect(problems.map((problem) => problem.split(/:? /)[0]).toSorted()).toEqual([
      'CLIENT_CERT_HEADER',
      'DNS_SERVERS',
      'PORT',
      'TLS_CERT',
      'TLS_CLIENT_CA',
      'TLS_KEY',
    ])
  })

  test.each([
    ['has ended', { to: new Date('2021-01-01') }, 'ended on 2021-01-01T00:00:00.000Z'],
    ['has not begun', { from: new Date('2110-01-01') }, 'begins on 2110-01-01T00:00:00.000Z'],
  ])('warn of a certificate that %s, and use it', async (_what, times, told) => {
    const { cert, key } = makeCertificate({ subject: [[['CN', 'localhost']]], ...times })
    await Promise.all([write('cert.pem', cert), write('key.pem', key)])
    const { tls, warnings } = check(pair)
    expect(tls?.cert).toBe(cert)
    expect(warnings).toEqual([expect.stringContaining(told)])
  })

  test('take the header of the proxies in any letters', () => {
    const env = { CLIENT_CERT_HEADER: 'Client-Cert', TRUSTED_PROXIES: '10.0.0.1' }
    expect(problemsOf(env)).toEqual([])
    expect(check(env).certificates).toEqual({ proxies: check(env).trust.proxies, header: 'client-cert' })
  })
})

describe('renewed files', () => {
  const lines: string[] = []
  const log = pino({ base: null }, { write: (line) => void lines.push(line) })
  let tls: Tls | undefined

  beforeEach(() => void lines.splice(0))
  afterEach(() => tls?.close())

  function watch() {
    const settings = readSettings(
      envOf({ TLS_CERT: 'cert.pem', TLS_KEY: 'key.pem', TLS_CLIENT_CA: 'ca.pem' }),
    )
    const files = checkSettings(settings).tls
    if (!files) throw new Error('there is no TLS')
    const taken: string[] = []
    const opened = renewTls({ settings, files, everySeconds: 0.02, log })
    opened.onRenewed(({ cert }) => taken.push(cert))
    tls = opened
    return { tls: opened, taken }
  }

  test('are taken up once, when all of them fit', async () => {
    const { tls, taken } = watch()
    const misfits = () => lines.filter((line) => line.includes('does not belong to the certificate'))
    const next = makeCertificate(
      { subject: [[['CN', 'localhost']]] },
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    )
    await write('cert.pem', next.cert)
    await eventually(() => expect(misfits()).toHaveLength(1))
    expect(tls.current().cert).toBe(own.cert)
    expect(taken).toEqual([])
    await write('key.pem', next.key)
    await eventually(() =>
      expect(tls.current()).toEqual({ cert: next.cert, key: next.key, clientCa: authority.cert }),
    )
    expect(misfits()).toHaveLength(1)
    // A misfit is told again only after all was well, so each of these readings found what is already in use.
    let turns = 0
    await eventually(async () => {
      await write('key.pem', turns++ % 2 === 0 ? own.key : next.key)
      expect(misfits().length).toBeGreaterThan(3)
    })
    expect(taken).toEqual([next.cert])
    expect(lines.filter((line) => line.includes('renewed TLS files are in use'))).toHaveLength(1)
  })

  test('are found behind a link that was turned', async () => {
    const next = makeServerCertificate('renewed')
    await Promise.all([write('old.pem', own.cert), write('new.pem', next.cert)])
    await rename(fileOf('old.pem'), fileOf('target.pem'))
    await symlink(fileOf('target.pem'), fileOf('link'))
    await rename(fileOf('link'), fileOf('cert.pem'))
    const { taken } = watch()
    await symlink(fileOf('new.pem'), fileOf('link'))
    await rename(fileOf('link'), fileOf('cert.pem'))
    await eventually(() => expect(taken).toEqual([next.cert]))
  })

  test('that go away do no harm, and are taken up when they are back', async () => {
    const { tls, taken } = watch()
    await rename(fileOf('key.pem'), fileOf('gone.pem'))
    await eventually(() => expect(lines.join()).toContain('key.pem does not exist'))
    expect(tls.current()).toEqual({ cert: own.cert, key: own.key, clientCa: authority.cert })
    await write('ca.pem', makeAuthority('Others').cert)
    await rename(fileOf('gone.pem'), fileOf('key.pem'))
    await eventually(() => expect(taken).toHaveLength(1))
    expect(tls.current().clientCa).not.toBe(authority.cert)
  })

  test('are no longer looked for after the end', async () => {
    const { tls, taken } = watch()
    tls.close()
    await write('cert.pem', makeServerCertificate('renewed').cert)
    const { tls: other, taken: takenByOther } = watch()
    await write('cert.pem', own.cert)
    await eventually(() => expect(takenByOther).toEqual([own.cert]))
    other.close()
    expect(taken).toEqual([])
  })
})
