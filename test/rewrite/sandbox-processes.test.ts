import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { getPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { sandboxFlags, spawnSandboxed } from '../../src/rewrite/sandbox/launch.ts'
import { createPool } from '../../src/rewrite/sandbox/pool.ts'
import { eventually, IS_LINUX, isRunning, LIMITS, openSandbox, type TestSandbox } from './sandbox-world.ts'

const opened: TestSandbox[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((sandbox) => sandbox.close()))
})

function open(processes: number): TestSandbox {
  const sandbox = openSandbox(processes)
  opened.push(sandbox)
  return sandbox
}

const OK = 'return { jobStatus: 1, data: 1 }'
const busy = (ms: number) => `const end = Date.now() + ${ms}; while (Date.now() < end); ${OK}`

function onlyPid(sandbox: TestSandbox): number {
  const [pid, ...others] = sandbox.pids()
  if (pid === undefined || others.length > 0) throw new Error('expected one process')
  return pid
}

describe('a process that dies', () => {
  test('under a call for another’s reason is replaced, and the call repeated unnoticed', async () => {
    const sandbox = open(1)
    await sandbox.run(OK)
    const pid = onlyPid(sandbox)
    const call = sandbox.run(busy(200))
    process.kill(pid, 'SIGKILL')
    expect(await call).toMatchObject({ ok: true, data: '1' })
    expect(onlyPid(sandbox)).not.toBe(pid)
  })

  test('under the same call twice ends it as crashed', async () => {
    const sandbox = open(1)
    await sandbox.run(OK)
    const first = onlyPid(sandbox)
    const call = sandbox.run(busy(5_000), { limits: { cpuMs: 8_000, wallMs: 8_000 } })
    process.kill(first, 'SIGKILL')
    await eventually(() => sandbox.pids().some((pid) => pid !== first))
    process.kill(onlyPid(sandbox), 'SIGKILL')
    expect(await call).toMatchObject({ ok: false, reason: 'crashed' })
    expect(await sandbox.run(OK)).toMatchObject({ ok: true })
  })

  test('under a call that had called out marks it, and under one that had not does not', async () => {
    const sandbox = open(1)
    await sandbox.run(OK)
    const answer = JSON.stringify({ ok: true, status: 200, headers: {}, body: '', mayPass: false })
    let asked = 0
    const body = `await fetchUrl('https://erp.example/'); ${OK}`
    const call = (killAt: number) =>
      sandbox.run(body, {
        ask: async () => {
          asked += 1
          if (asked === killAt) process.kill(onlyPid(sandbox), 'SIGKILL')
          return answer
        },
      })
    expect(await call(1)).toMatchObject({
      ok: true,
      log: [
        {
          level: 'note',
          text: 'the sandbox process died after the function had called out once, and it was run again: those calls may have been made twice',
        },
      ],
    })
    expect(asked).toBe(2)
    const silent = sandbox.run(busy(200), { ask: async () => answer })
    process.kill(onlyPid(sandbox), 'SIGKILL')
    expect(await silent).toMatchObject({ ok: true, log: [] })
  })

  test('while idle is noticed and replaced', async () => {
    const sandbox = open(1)
    await sandbox.run(OK)
    const pid = onlyPid(sandbox)
    process.kill(pid, 'SIGKILL')
    await eventually(() => !isRunning(pid))
    expect(await sandbox.run(OK)).toMatchObject({ ok: true })
    expect(onlyPid(sandbox)).not.toBe(pid)
  })

  test('harms no call that runs beside it', async () => {
    const sandbox = open(2)
    const runaway = sandbox.run('return { jobStatus: 1, data: String(7n ** 90000000n).length }', {
      applicationId: 'hostile',
      limits: { cpuMs: 200, wallMs: 300 },
    })
    const others = Array.from({ length: 20 }, () => sandbox.run(busy(10)))
    expect(await runaway).toMatchObject({ ok: false, reason: 'timed_out' })
    for (const outcome of await Promise.all(others)) expect(outcome).toMatchObject({ ok: true })
  })
})

test('an application with many calls does not keep another waiting for all of them', async () => {
  const sandbox = open(2)
  await Promise.all([sandbox.run(OK), sandbox.run(OK)])
  let finished = 0
  const many = Array.from({ length: 12 }, () =>
    sandbox.run(busy(100), { applicationId: 'many' }).then(() => {
      finished += 1
    }),
  )
  await sandbox.run(OK, { applicationId: 'few' })
  // First come, first served, it would be eleven at least.
  expect(finished).toBeLessThan(10)
  await Promise.all(many)
})

test('when no process can be started the call is rejected with the reason, and a later one tries again', async () => {
  let starts = 0
  const told: string[] = []
  const failing = () => {
    starts += 1
    return Promise.reject(new Error('no addon for this machine'))
  }
  const pool = createPool(1, failing, (event) => told.push(event.kind))
  const errand = { parts: ['{}'], limits: LIMITS }
  await expect(pool.run('shop', errand)).rejects.toThrow('no addon for this machine')
  expect([starts, told]).toEqual([3, ['not_started', 'not_started', 'not_started']])
  await expect(pool.run('shop', errand)).rejects.toThrow('no addon for this machine')
  expect(starts).toBe(6)
  await pool.close()
})

/** Tells over the channel what a sandbox process sees of itself. */
const INSIDE = `
  const fs = require('fs')
  const kind = (fd) => fs.readlinkSync('/proc/self/fd/' + fd).replace(/^(\\/proc).*|:.*/, '$1')
  const files = fs.readdirSync('/proc/self/fd').sort((a, b) => a - b)
  fs.writeSync(3, JSON.stringify({
    environment: fs.readFileSync('/proc/self/environ', 'utf8').replaceAll('\\0', ''),
    variables: Object.keys(process.env),
    working: process.cwd(),
    files: files.flatMap((fd) => { try { return [kind(fd)] } catch { return [] } }),
  }))`

describe('a sandbox process', () => {
  test.runIf(IS_LINUX)(
    'has no environment, no inherited descriptor, low priority and its own name',
    async () => {
      process.env.PLANTED_SECRET = 'planted'
      const sandbox = open(1)
      await sandbox.run(OK)
      const pid = onlyPid(sandbox)
      expect(readFileSync(`/proc/${pid}/environ`, 'utf8').replaceAll('\0', '')).toBe('')
      expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toMatch(/^sluice sandbox/)
      const kinds = readdirSync(`/proc/${pid}/fd`).map(
        (fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).split(':')[0],
      )
      expect(
        kinds.filter((kind) => !['/dev/null', 'anon_inode', 'pipe', 'socket'].includes(kind ?? '')),
      ).toEqual([])
      // The channel and the pipe of standard error come from the host; every other socket or pipe is Node's own.
      expect(kinds.filter((kind) => kind === 'socket').length).toBeLessThanOrEqual(2)
      for (const thread of readdirSync(`/proc/${pid}/task`)) expect(getPriority(Number(thread))).toBe(10)
      expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()).toBe('1000')
      delete process.env.PLANTED_SECRET
    },
  )

  test.runIf(IS_LINUX)(
    'looks from inside as it does from outside: nothing of its host is there',
    async () => {
      process.env.PLANTED_SECRET = 'planted'
      const file = openSync(fileURLToPath(import.meta.url), 'r')
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const child = spawnSandboxed(['--allow-fs-read=/proc', '-e', INSIDE])
      let told = ''
      child.stdio[3]?.on('data', (text) => (told += text))
      await once(child, 'close')
      server.close()
      closeSync(file)
      delete process.env.PLANTED_SECRET
      const { environment, variables, working, files } = JSON.parse(told)
      expect({ environment, variables, working }).toEqual({ environment: '', variables: [], working: '/' })
      const [input, output, error, channel, ...others] = files as string[]
      expect([input, output]).toEqual(['/dev/null', '/dev/null'])
      // libuv makes what it calls pipes of sockets.
      expect([error, channel]).toEqual(['socket', 'socket'])
      expect(others.filter((kind) => !['anon_inode', 'pipe', '/dev/null', '/proc'].includes(kind))).toEqual(
        [],
      )
    },
  )

  test.each([
    ['read a file', 'require("fs").readFileSync("/etc/passwd")', 'ERR_ACCESS_DENIED'],
    [
      'read the settings',
      `require("fs").readFileSync(${JSON.stringify(`${process.cwd()}/.env`)})`,
      'ERR_ACCESS_DENIED',
    ],
    [
      'read the package',
      `require("fs").readFileSync(${JSON.stringify(`${process.cwd()}/package.json`)})`,
      'ERR_ACCESS_DENIED',
    ],
    [
      'read the program of Sluice',
      `require("fs").readFileSync(${JSON.stringify(`${process.cwd()}/src/rewrite/sandbox/child/main.ts`)})`,
      'ERR_ACCESS_DENIED',
    ],
    ['write a file', 'require("fs").writeFileSync("/tmp/sluice-sandbox-test", "")', 'ERR_ACCESS_DENIED'],
    ['start a program', 'require("child_process").execFileSync("/bin/true")', 'ERR_ACCESS_DENIED'],
    ['start a thread', 'new (require("worker_threads").Worker)("1", { eval: true })', 'ERR_ACCESS_DENIED'],
  ])('may not %s, even with all of Node in hand', async (_name, code, error) => {
    const attempt = `try { ${code}; console.log('done') } catch (error) { console.log(error.code) }`
    const { stdout } = await promisify(execFile)(process.execPath, [...sandboxFlags(), '-e', attempt], {
      env: {},
      cwd: '/',
    })
    expect(stdout.trim()).toBe(error)
  })

  test('outlives the signals that stop a service, for the host to drain', async () => {
    const sandbox = open(1)
    await sandbox.run(OK)
    const pid = onlyPid(sandbox)
    const call = sandbox.run(busy(150))
    process.kill(pid, 'SIGTERM')
    process.kill(pid, 'SIGINT')
    expect(await call).toMatchObject({ ok: true })
    expect(onlyPid(sandbox)).toBe(pid)
  })

  test('dies with its host, even when the host is killed in the middle of a call', async () => {
    const program = fileURLToPath(new URL('sandbox-host-program.ts', import.meta.url))
    const host = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
    const pids = await new Promise<number[]>((resolve) => {
      host.stdout.once('data', (text) => resolve(JSON.parse(String(text))))
    })
    expect(pids.length).toBeGreaterThan(0)
    expect(pids.every(isRunning)).toBe(true)
    host.kill('SIGKILL')
    await eventually(() => !pids.some(isRunning))
  })
})

describe('close', () => {
  test('leaves no process, and ends what runs and what waits', async () => {
    const sandbox = open(2)
    await Promise.all([sandbox.run(OK), sandbox.run(OK)])
    const pids = sandbox.pids()
    const calls = Array.from({ length: 5 }, () => sandbox.run(busy(5_000)))
    const settled = Promise.allSettled(calls)
    await sandbox.close()
    expect(pids.some(isRunning)).toBe(false)
    for (const call of await settled)
      expect(call).toMatchObject({ status: 'rejected', reason: { message: 'the sandbox is closed' } })
    await expect(sandbox.run(OK)).rejects.toThrow('the sandbox is closed')
    await sandbox.close()
  })

  test('while a process is starting leaves none either', async () => {
    const sandbox = open(1)
    const call = sandbox.run(OK)
    const rejected = expect(call).rejects.toThrow('the sandbox is closed')
    await sandbox.close()
    await rejected
    expect(sandbox.pids()).toEqual([])
  })
})
