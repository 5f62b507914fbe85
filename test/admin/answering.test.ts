import { Hono } from 'hono'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { whileDatabaseAnswers } from '../../src/admin/answering.ts'
import { Problem } from '../../src/admin/problem.ts'

const HOUR_MS = 3_600_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

function appThatWaits(askDatabase: () => Promise<void>) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const app = new Hono()
  app.use(whileDatabaseAnswers(askDatabase))
  app.get('/', async (context) => {
    await promise
    return context.text('done')
  })
  app.onError((error, context) => context.text(error.message, error instanceof Problem ? error.status : 500))
  return { answer: Promise.resolve(app.request('/')), end: resolve }
}

test('what takes long goes on while the database answers others, and ends when it no longer does', async () => {
  const askDatabase = vi.fn(async () => {})
  const { answer, end } = appThatWaits(askDatabase)
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect(askDatabase.mock.calls.length).toBeGreaterThan(100)
  end()
  expect(await (await answer).text()).toBe('done')
  expect(vi.getTimerCount()).toBe(0)

  const silent = vi.fn(async () => {})
  const second = appThatWaits(silent)
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  silent.mockRejectedValue(new Error('no answer'))
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect((await second.answer).status).toBe(503)
  second.end()
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect(vi.getTimerCount()).toBe(0)
})

test('what is answered soon asks nothing of the database', async () => {
  const askDatabase = vi.fn(async () => {})
  const { answer, end } = appThatWaits(askDatabase)
  end()
  expect((await answer).status).toBe(200)
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect(askDatabase).not.toHaveBeenCalled()
})
