import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AskOutside } from '../../src/rewrite/sandbox/sandbox.ts'
import { eventually } from '../world/eventually.ts'
import { openSandbox, type TestSandbox } from './sandbox-world.ts'

let sandbox: TestSandbox
beforeAll(() => {
  sandbox = openSandbox(1)
})
afterAll(() => sandbox.close())

interface Question {
  url: string
  method: string
  headers: [string, string][]
  body: string | null
}

/** A host that answers each question so, and remembers it. */
function host(answer: object | ((question: Question) => object)): { ask: AskOutside; questions: Question[] } {
  const questions: Question[] = []
  return {
    questions,
    async ask(text) {
      const question = JSON.parse(text) as Question
      questions.push(question)
      return JSON.stringify(typeof answer === 'function' ? answer(question) : answer)
    },
  }
}

const ok = (body: string) => ({ ok: true, status: 200, headers: { 'x-a': 'b' }, body, mayPass: false })

describe('fetchUrl', () => {
  test('asks what it was given and gives the answer, numbers digit for digit', async () => {
    const { ask, questions } = host(ok('{"id":820982911946154508}'))
    const body = `
      const answer = await fetchUrl('https://erp.example/x', {
        method: 'POST', headers: { 'X-One': 1 }, body: { id: 9007199254740993n },
      })
      const { status, ok, headers } = answer
      return { jobStatus: 1, data: { status, ok, headers, text: await answer.text(), id: (await answer.json()).id } }`
    const outcome = await sandbox.run(body, { ask })
    expect(outcome).toMatchObject({
      ok: true,
      data: '{"status":200,"ok":true,"headers":{"x-a":"b"},"text":"{\\"id\\":820982911946154508}","id":820982911946154508}',
    })
    expect(questions).toEqual([
      {
        url: 'https://erp.example/x',
        method: 'POST',
        headers: [
          ['X-One', '1'],
          ['content-type', 'application/json'],
        ],
        body: '{"id":9007199254740993}',
      },
    ])
  })

  test('is off without a host to ask, and says so', async () => {
    const outcome = await sandbox.run("await fetchUrl('https://erp.example/'); return { jobStatus: 1 }")
    expect(outcome).toMatchObject({
      ok: false,
      reason: 'threw',
      message: expect.stringMatching(
        /^Error: fetchUrl is off: the integration has no allowedHosts.*line 1\)$/,
      ),
    })
  })

  test.each([
    [
      'an error that may pass',
      { ok: false, message: 'it hangs', mayPass: true },
      '',
      'call_failed',
      'it hangs',
    ],
    [
      'an error that will not',
      { ok: false, message: 'not allowed', mayPass: false },
      '',
      'threw',
      'not allowed',
    ],
    [
      'a status that is asked for, and may pass',
      { ...ok(''), status: 503, problem: 'answered 503', mayPass: true },
      '.then((answer) => answer.requireOk())',
      'call_failed',
      'answered 503',
    ],
    [
      'a status that is asked for, and will not',
      { ...ok(''), status: 404, problem: 'answered 404', mayPass: false },
      '.then((answer) => answer.requireOk())',
      'threw',
      'answered 404',
    ],
  ])('ends a function that does not catch %s', async (_name, answer, then, reason, message) => {
    const body = `await fetchUrl('https://erp.example/')${then}; return { jobStatus: 1 }`
    const outcome = await sandbox.run(body, { ask: host(answer).ask })
    expect(outcome).toMatchObject({ ok: false, reason, message: expect.stringContaining(message) })
  })

  test('that failed and was caught is no failure, and another error after it is the function’s own', async () => {
    const { ask } = host({ ok: false, message: 'it hangs', mayPass: true })
    const caught =
      "try { await fetchUrl('https://erp.example/') } catch (error) { console.log(error.message) }"
    expect(await sandbox.run(`${caught}; return { jobStatus: 1 }`, { ask })).toMatchObject({
      ok: true,
      log: [{ level: 'log', text: 'it hangs' }],
    })
    expect(await sandbox.run(`${caught}; throw new Error('mine')`, { ask })).toMatchObject({
      reason: 'threw',
    })
    expect(await sandbox.run(`${caught}; return { jobStatus: 0 }`, { ask })).toMatchObject({
      reason: 'said_no',
    })
  })

  test('waits without using processor time, and the time on the clock goes on', async () => {
    const slow: AskOutside = async () => {
      await delay(700)
      return JSON.stringify(ok('late'))
    }
    const body = "return { jobStatus: 1, data: (await fetchUrl('https://erp.example/')).text() }"
    const outcome = await sandbox.run(body, { ask: slow, limits: { cpuMs: 300, wallMs: 3_000 } })
    expect(outcome).toMatchObject({ ok: true, data: '"late"' })
    expect(outcome.usage.wallMs).toBeGreaterThan(650)
    expect(outcome.usage.cpuMs).toBeLessThan(300)
  })

  test('hears that its time is over before the function is ended', async () => {
    const never: AskOutside = (_question, signal) =>
      new Promise((resolve) => {
        const late = JSON.stringify({ ok: false, message: 'no answer in time', mayPass: true })
        signal.addEventListener('abort', () => resolve(late))
      })
    const body = "await fetchUrl('https://erp.example/'); return { jobStatus: 1 }"
    // On a busy machine the moment that is left for it may be too short.
    await eventually(async () =>
      expect(await sandbox.run(body, { ask: never, limits: { wallMs: 500 } })).toMatchObject({
        ok: false,
        reason: 'call_failed',
        message: expect.stringContaining('no answer in time'),
      }),
    )
  })

  test('never answered, it ends with the time on the clock, and the next call finds the sandbox well', async () => {
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    const never: AskOutside = (_question, signal) =>
      new Promise(() => signal.addEventListener('abort', () => resolve()))
    const body = "await fetchUrl('https://erp.example/'); return { jobStatus: 1 }"
    expect(await sandbox.run(body, { ask: never, limits: { wallMs: 300 } })).toMatchObject({
      ok: false,
      reason: 'timed_out',
    })
    await ended
    expect(await sandbox.run('return { jobStatus: 1, data: 1 }')).toMatchObject({ ok: true })
  })

  test('does not let a function compute for longer than it may, and asks nothing twice because of it', async () => {
    const { ask, questions } = host(ok(''))
    const body = "await fetchUrl('https://erp.example/'); while (true);"
    const outcome = await sandbox.run(body, { ask, limits: { cpuMs: 200, wallMs: 3_000 } })
    expect(outcome).toMatchObject({ ok: false, reason: 'timed_out' })
    expect(questions).toHaveLength(1)
  })

  test.each([
    ['many after the other', 'for (let n = 0; n < 200; n += 1) await fetchUrl("https://erp.example/" + n)'],
    ['many at once', 'await Promise.all([1, 2, 3].map((n) => fetchUrl("https://erp.example/" + n)))'],
  ])('%s each get their own answer', async (_name, calls) => {
    const { ask, questions } = host(({ url }) => ok(url))
    const body = `${calls}; return { jobStatus: 1, data: (await fetchUrl('https://erp.example/last')).text() }`
    const outcome = await sandbox.run(body, { ask, limits: { cpuMs: 20_000, wallMs: 20_000 } })
    expect(outcome).toMatchObject({ ok: true, data: '"https://erp.example/last"' })
    expect(new Set(questions.map(({ url }) => url)).size).toBe(questions.length)
  })

  test.each([
    [
      'the handle',
      'for (const name of Object.getOwnPropertyNames(globalThis)) if (/^ask|ivm|Reference$/i.test(name)) throw name',
    ],
    [
      'the handle by a stack',
      `Error.prepareStackTrace = (_error, sites) => sites.map((site) => [typeof site.getThis(), typeof site.getFunction()])
       const stack = (() => { try { fetchUrl(Symbol()) } catch (e) { return e.stack } })()
       const error = await fetchUrl('https://erp.example/').catch((e) => e)
       console.log(JSON.stringify(error.stack))
       if (/"object"/.test(JSON.stringify(error.stack))) throw 'an object'`,
    ],
    [
      'the handle by a changed language',
      `let seen; Object.defineProperty(Object.prototype, 'applySyncPromise', { get() { seen = this } })
       Function.prototype.apply = Function.prototype.call = function () { seen = this }
       Array.prototype.push = function () { seen = this }
       await fetchUrl('https://erp.example/').catch(() => 0)
       if (seen) throw 'seen'`,
    ],
  ])('does not give a function %s', async (_name, code) => {
    const { ask } = host({ ok: false, message: 'no', mayPass: false })
    expect(await sandbox.run(`${code}; return { jobStatus: 1 }`, { ask })).toMatchObject({ ok: true })
  })
})
