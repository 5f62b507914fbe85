/**
 * Runs each function of `hostile/`. Adding one is adding a file: what it tries stands in its header, and how it is to
 * end in tags (`hostile-function.ts` names them).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AskOutside } from '../../src/rewrite/sandbox/sandbox.ts'
import { type HostileFunction, hostileFunctions } from './hostile-function.ts'
import { eventually, isRunning, LIMITS, openSandbox, type TestSandbox } from './sandbox-world.ts'

let sandbox: TestSandbox
let cleanLanguage: unknown

const PROCESSES = 2
/** For those whose end is to be stopped. */
const SHORT_LIMITS = { cpuMs: 50, wallMs: 1_000 }
/** For those which end by themselves, and for honest functions: a busy machine must not make them fail. */
const PATIENT_LIMITS = { cpuMs: 20_000, wallMs: 20_000 }
/** What a call that is killed from outside may take beyond its time, on a busy machine. */
const LATE_MS = 5_000

beforeAll(async () => {
  sandbox = openSandbox(PROCESSES)
  cleanLanguage = await fingerprint('nobody')
})
afterAll(() => sandbox.close())

describe('contained, with its neighbours undisturbed and nothing left behind', () => {
  test.each(hostileFunctions.map((one) => [one.name, one] as const))('%s', async (_name, hostile) => {
    for (let time = 0; time < hostile.times; time += 1) await expectContained(hostile)
    expect(await fingerprint(hostile.name)).toEqual(cleanLanguage)
    await eventually(() => sandbox.pids().length === PROCESSES && sandbox.pids().every(isRunning))
  })
})

async function expectContained(hostile: HostileFunction): Promise<void> {
  const before = sandbox.pids()
  const startedAt = performance.now()
  const isStopped = hostile.expected.includes('timed_out')
  const limits = { ...(isStopped ? SHORT_LIMITS : PATIENT_LIMITS), ...hostile.limits }
  const running = sandbox.run(hostile.source, {
    applicationId: hostile.name,
    limits,
    ...(hostile.outside && { ask: answerAll }),
  })
  const neighbours = [neighbour('neighbour'), neighbour('another')]
  const outcome = await running
  expect(performance.now() - startedAt).toBeLessThan(limits.wallMs + LATE_MS)
  const end = outcome.ok ? 'success' : outcome.reason
  expect(hostile.expected, `${outcome.message} ${outcome.ok ? outcome.data : ''}`).toContain(end)
  if (!outcome.ok) expect(outcome.message).toContain(hostile.message ?? '')
  if (outcome.ok) expect(normal(outcome.data)).toBe(normal(hostile.data))
  if (outcome.ok && hostile.log) expect(outcome.log.map(({ text }) => text)).toEqual(hostile.log)
  expectSmall(outcome)
  for (const one of await Promise.all(neighbours)) expect(one).toMatchObject({ ok: true, data: '20100' })
  if (hostile.isReplaced) expect(sandbox.pids().toSorted()).not.toEqual(before.toSorted())
}

/** JSON in one spelling. */
function normal(json: string | undefined): string | undefined {
  return json === undefined ? undefined : JSON.stringify(JSON.parse(json))
}

/** An honest function of another application, which runs beside it or waits behind it. */
function neighbour(applicationId: string) {
  const body = 'let sum = 0; for (let n = 1; n <= 200; n += 1) sum += n; return { jobStatus: 1, data: sum }'
  return sandbox.run(body, { applicationId, limits: PATIENT_LIMITS })
}

/** Whatever a function says is small and can be stored. */
function expectSmall({ message, log }: { message: string; log: { text: string }[] }): void {
  expect(message.length).toBeLessThan(3_000)
  expect(log.length).toBeLessThanOrEqual(LIMITS.logLinesMax + 2)
  // The last two lines may be the sandbox's: that lines were lost, and that a rejection was left.
  expect(Buffer.byteLength(log.map(({ text }) => text).join(''))).toBeLessThan(LIMITS.logBytesMax + 6_000)
  expect([message, ...log.map(({ text }) => text)].every((text) => text.isWellFormed())).toBe(true)
}

const answerAll: AskOutside = async () =>
  JSON.stringify({ ok: true, status: 200, headers: { 'x-a': 'b' }, body: '{}', mayPass: false })

/**
 * What the language is like in the isolate of an application: every object in it by its keys and plain values. Taken with
 * most of the memory of a call in use, so that it also tells that a call may use that, whatever those before it left. Of
 * two idle processes the one that has worked for the application takes the call, and of no other is there anything to ask.
 */
function fingerprint(applicationId: string): Promise<unknown> {
  return sandbox.data(FINGERPRINT, {
    applicationId,
    limits: { ...PATIENT_LIMITS, outputBytesMax: 10_000_000 },
  })
}

const FINGERPRINT = `
  const held = Array.from({ length: 4 }, () => new Array(4e5).fill(1))
  const numbers = new Map()
  const lines = []
  const queue = [globalThis]
  const own = new Set(['jobData', 'job', 'integration', 'currentNode', 'queueManager'])
  const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function'
  const told = (value) => {
    if (!isObject(value)) return typeof value === 'symbol' ? String(value) : typeof value + ' ' + value
    if (!numbers.has(value)) {
      numbers.set(value, numbers.size)
      queue.push(value)
    }
    return '#' + numbers.get(value)
  }
  told(globalThis)
  for (const hidden of [[][Symbol.iterator](), new Map().entries(), function* () {}, async () => 1, async function* () {}, ''.matchAll(/a/g)])
    told(Object.getPrototypeOf(hidden))
  for (const one of queue) {
    lines.push('#' + numbers.get(one) + ' of ' + told(Object.getPrototypeOf(one)))
    for (const key of Reflect.ownKeys(one)) {
      if (one === globalThis && own.has(key)) continue
      const { value, get, set, writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(one, key)
      const flags = (writable ? 'w' : '-') + (enumerable ? 'e' : '-') + (configurable ? 'c' : '-')
      const shown = one === RegExp && get ? told(RegExp[key]) : ''
      lines.push('  ' + String(key) + ' ' + flags + ' ' + [value, get, set].map(told).join(' ') + ' ' + shown)
    }
  }
  return { jobStatus: 1, data: held.length + lines.join('\\n') }`
