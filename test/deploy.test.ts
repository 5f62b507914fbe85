/** There is no container engine where the tests run: the files are checked, and what they start is run by hand. */
import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { SETTINGS } from '../src/platform/settings.ts'
import { endAll, isRunning, postmasterPid, ROOT, startSluice } from './cli/sluice.ts'
import { freshDatabase } from './world/database.ts'
import { eventually } from './world/eventually.ts'

interface Service {
  image: string
  command?: string[]
  environment?: Record<string, string>
  env_file?: { path: string }[]
  healthcheck?: { test: string[] }
  depends_on?: Record<string, { condition: string }>
  volumes?: string[]
  profiles?: string[]
  ports?: string[]
}

const NOBODY = 65_534

const text = (file: string) => readFileSync(path.join(ROOT, file), 'utf8')
const compose = parse(text('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>
  volumes: Record<string, unknown>
}
const { edge, worker, postgres, redis, caddy } = compose.services
const dockerfile = text('Dockerfile')

afterEach(endAll)

describe('docker-compose.yml', () => {
  test('runs an edge and a worker of one image beside PostgreSQL 18 and Redis, each of a fixed version', () => {
    expect(Object.keys(compose.services).toSorted()).toEqual(['caddy', 'edge', 'postgres', 'redis', 'worker'])
    for (const [name, { image }] of Object.entries(compose.services)) {
      expect([name, image]).toEqual([name, expect.stringMatching(/^[a-z]+:\d+\.\d+(?:\.\d+)?(?:-[a-z]+)?$/)])
    }
    expect(postgres?.image).toMatch(/^postgres:18\./)
    expect(edge?.image).toBe(worker?.image)
    expect(edge?.command).toEqual(['start', '--role', 'edge'])
    expect(worker?.command).toEqual(['start', '--role', 'worker'])
  })

  test('Redis writes to disk and never evicts, PostgreSQL and the edge keep their data in volumes', () => {
    expect(redis?.command?.join(' ')).toContain('--appendonly yes --maxmemory-policy noeviction')
    const home = /SLUICE_HOME=(\S+)/.exec(dockerfile)?.[1]
    expect(edge?.volumes).toEqual([`edge:${home}`])
    for (const { volumes = [] } of Object.values(compose.services)) {
      for (const volume of volumes.filter((one) => !one.startsWith('.'))) {
        expect(compose.volumes).toHaveProperty(volume.split(':')[0] ?? '')
      }
    }
  })

  test('every variable of a Sluice is a setting', () => {
    for (const service of [edge, worker]) {
      for (const name of Object.keys(service?.environment ?? {})) expect(SETTINGS).toHaveProperty(name)
    }
    for (const [, name = ''] of dockerfile.matchAll(/process\.env\.(\w+)/g))
      expect(SETTINGS).toHaveProperty(name)
    const inImage = [...(/^ENV (.*)$/m.exec(dockerfile)?.[1] ?? '').matchAll(/(\w+)=/g)].map(
      ([, name]) => name,
    )
    for (const name of inImage) expect([...Object.keys(SETTINGS), 'NODE_ENV']).toContain(name)
  })

  test('secrets are required, and none stands in the file', () => {
    const used = [...text('docker-compose.yml').matchAll(/\$\{(\w+)(:\?|:-)?/g)]
    for (const [, name = '', required] of used) {
      const isSecret = /PASSWORD|KEY/.test(name)
      expect([name, required]).toEqual([name, isSecret ? ':?' : ':-'])
    }
    expect(new Set(used.map(([, name]) => name))).toEqual(
      new Set(['POSTGRES_PASSWORD', 'SLUICE_MASTER_KEY', 'SLUICE_ADMIN_KEY', 'BASE_DOMAIN']),
    )
  })

  test('every service has a health check, and waits for those it needs', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      const isOurs = name === 'edge' || name === 'worker'
      expect([name, isOurs || Array.isArray(service.healthcheck?.test)]).toEqual([name, true])
    }
    for (const service of [edge, worker]) {
      expect(service?.depends_on).toEqual({
        postgres: { condition: 'service_healthy' },
        redis: { condition: 'service_healthy' },
      })
    }
  })

  test('Caddy is in the profile https, asks Sluice for host names, and is the one proxy that is believed', () => {
    expect(caddy?.profiles).toEqual(['https'])
    const caddyfile = text('deploy/Caddyfile')
    expect(caddyfile).toContain(`ask http://edge:${edge?.environment?.ADMIN_PORT}/tls/ask`)
    expect(caddyfile).toContain(`reverse_proxy edge:${edge?.environment?.PORT}`)
    expect(caddyfile.split('{').length).toBe(caddyfile.split('}').length)
    expect(text('docker-compose.yml')).toContain('ipv4_address: 172.30.57.10')
    expect(edge?.environment?.TRUSTED_PROXIES).toBe('172.30.57.10/32')
    for (const port of edge?.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/)
  })

  test('docker compose reads it, where docker compose is there', () => {
    const version = spawnSync('docker', ['compose', 'version'], { encoding: 'utf8' })
    if (version.error || version.status !== 0) {
      console.warn(
        'docker compose is not on this machine: docker-compose.yml was checked by the tests above only',
      )
      return
    }
    const secrets = { POSTGRES_PASSWORD: 'x', SLUICE_MASTER_KEY: 'x', SLUICE_ADMIN_KEY: 'x' }
    const read = spawnSync('docker', ['compose', '--profile', 'https', 'config', '--quiet'], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, ...secrets },
    })
    expect([read.status, read.stderr]).toEqual([0, ''])
  })
})

describe('Dockerfile', () => {
  test('takes a Node of a fixed version, the one of the development dependencies', () => {
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)
    const { devDependencies } = JSON.parse(text('package.json'))
    expect(new Set(images)).toEqual(new Set([`node:${devDependencies.node}-bookworm-slim`]))
  })

  test('installs without development dependencies, and does not run as root', () => {
    expect(dockerfile).toContain('npm ci --omit=dev')
    expect(dockerfile).toMatch(/^USER node$/m)
    expect(dockerfile.indexOf('USER node')).toBeLessThan(dockerfile.indexOf('ENTRYPOINT'))
  })

  test('copies what is there and what is not kept out, and its health check asks /health/ready', () => {
    const ignore = text('.dockerignore')
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, files = '']) =>
      files.split(' '),
    )
    expect(copied.length).toBeGreaterThan(5)
    for (const file of copied) {
      expect([file, existsSync(path.join(ROOT, file))]).toEqual([file, true])
      expect(ignore.split('\n')).toContain(`!${file}`)
    }
    expect(dockerfile).toMatch(/HEALTHCHECK[\s\S]*\/health\/ready/)
  })
})

describe('an installation without development dependencies, on a path with a space', () => {
  let open: string
  let folder: string
  let home: string
  /** As in the image: the Node on the path is the one that runs it. */
  let searchPath: string
  beforeAll(async () => {
    // Not below the scratch folder, which only the user of the tests can enter.
    open = await realpath(await mkdtemp(path.join(tmpdir(), 'sluice of a user-')))
    folder = path.join(open, 'my sluice')
    home = path.join(folder, '.sluice')
    await installForProduction(folder)
    await cp(await realpath(process.execPath), path.join(open, 'node'))
    searchPath = [open, process.env.PATH].join(path.delimiter)
  }, 120_000)
  afterAll(async () => {
    const postmaster = await postmasterPid(home)
    if (postmaster !== undefined) process.kill(postmaster, 'SIGQUIT')
    await rm(open, { recursive: true, force: true, maxRetries: 10 })
  })

  test('runs, and its health check agrees', async () => {
    expect(existsSync(path.join(folder, 'node_modules/node'))).toBe(false)
    expect(existsSync(path.join(folder, 'node_modules/vitest'))).toBe(false)
    const database = await freshDatabase()
    const env = {
      DATABASE_URL: database.url,
      SLUICE_MASTER_KEY: randomBytes(32).toString('base64'),
      PATH: searchPath,
    }
    const command = ['node', 'bin/sluice.js', 'start']
    const sluice = startSluice(path.join(open, 'home'), { command, cwd: folder, env })
    const port = await eventually(
      () =>
        Number(/"ready"/.test(sluice.stdout()) && /"port":(\d+)/.exec(sluice.stdout())?.[1]) ||
        Promise.reject(new Error(sluice.stdout() + sluice.stderr())),
      45_000,
    )
    await eventually(async () => {
      const health = await (await fetch(`http://127.0.0.1:${port}/health/ready`)).json()
      expect(health).toMatchObject({ status: 'up' })
    })

    const check = JSON.parse(/HEALTHCHECK[\s\S]*?CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[]
    const asked = (env: Record<string, string>) =>
      spawnSync(process.execPath, check.slice(1), { env: { PATH: searchPath, ...env } }).status
    expect(asked({ PORT: String(port) })).toBe(0)
    expect(asked({ PORT: '1', ADMIN_PORT: String(port) })).toBe(0)
    expect(asked({ PORT: '1' })).toBe(1)
    sluice.signal('SIGTERM')
    expect(await sluice.ended()).toEqual({ code: 0, signal: null })
    await database.drop()
  }, 120_000)

  test('is run by an ordinary user, with a PostgreSQL of its own', async () => {
    const isRoot = process.getuid?.() === 0
    const uid = isRoot ? NOBODY : process.getuid?.()
    if (isRoot) spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, open])
    const asUser = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : []
    const command = [...asUser, path.join(open, 'node'), 'bin/sluice.js']
    const sluice = startSluice(home, { command, cwd: folder })
    const { webhookUrl, receivedUrl } = await sluice.ready()
    const headers = { 'content-type': 'application/json' }
    const body = text('test/bodies/retrieve-order.json')
    expect((await fetch(webhookUrl, { method: 'POST', headers, body })).status).toBe(200)
    await eventually(async () => expect(await (await fetch(receivedUrl)).json()).toHaveLength(1))
    for (const file of ['dev.json', 'postgres/data', 'postgres/data/postmaster.pid'])
      expect([file, statSync(path.join(home, file)).uid]).toEqual([file, uid])
    const postmaster = (await postmasterPid(home)) ?? 0
    sluice.signal('SIGINT')
    expect(await sluice.ended()).toEqual({ code: 0, signal: null })
    expect(isRunning(postmaster)).toBe(false)
  }, 120_000)
})

/** As the image has it. */
async function installForProduction(folder: string): Promise<void> {
  const parts = ['package.json', 'package-lock.json', 'bin', 'src', 'migrations', 'patches']
  for (const name of [...parts, 'rewrite-functions'])
    await cp(path.join(ROOT, name), path.join(folder, name), { recursive: true })
  await copyProductionPackages(folder)
}

/** What `npm ci --omit=dev` installs, without asking a registry for it. */
async function copyProductionPackages(folder: string): Promise<void> {
  const { packages } = JSON.parse(text('package-lock.json')) as {
    packages: Record<string, { dev?: boolean }>
  }
  // One that lies in another one comes with it; one for another machine is not there.
  const names = Object.entries(packages).flatMap(([name, { dev = false }]) =>
    /^node_modules\/(?!.*\/node_modules\/)/.test(name) && !dev && existsSync(path.join(ROOT, name))
      ? [name]
      : [],
  )
  for (const [into, together] of Map.groupBy(names, path.dirname)) {
    await mkdir(path.join(folder, into), { recursive: true })
    // Many times as fast as Node copies.
    await promisify(execFile)('cp', ['-R', ...together, path.join(folder, into)], { cwd: ROOT })
  }
}

test('.ci/run installs, checks types, lints and runs the suite, and ends at the first that fails', async () => {
  const script = await readFile(path.join(ROOT, '.ci/run'), 'utf8')
  accessSync(path.join(ROOT, '.ci/run'), constants.X_OK)
  expect(spawnSync('bash', ['-n', path.join(ROOT, '.ci/run')]).status).toBe(0)
  expect(script).toContain('set -euo pipefail')
  const { scripts } = JSON.parse(text('package.json'))
  const steps = script.split('\n').filter((line) => line.startsWith('npm '))
  expect(steps).toEqual([
    'npm ci',
    'npm run typecheck',
    'npm run lint',
    'npm test',
    'npm run test:destinations',
  ])
  expect(scripts).toMatchObject({
    typecheck: expect.any(String),
    lint: expect.any(String),
    test: expect.any(String),
  })
})
