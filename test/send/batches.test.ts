import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Answer } from '../../src/outbound/outbound.ts'
import { type Json, parseExact } from '../../src/payload/exact-json.ts'
import { batchRuleOf, writeBatch } from '../../src/send/batch-body.ts'
import { verdictsOf } from '../../src/send/batch-results.ts'
import type { Verdict } from '../../src/send/verdict.ts'
import { destination } from './world.ts'

const BATCH_ID = '0190a000-0000-8000-8000-00000000000b'

function batchOf(batch: object) {
  const { batch: read, ...config } = destination({ batch })
  if (!read) throw new Error('the config has no batch')
  return { ...config, batch: read }
}

function written(batch: object, items: Json[]) {
  const given = items.map((item, index) => ({ deliveryId: `d${index}`, item }))
  return writeBatch(BATCH_ID, given, batchOf(batch).batch)
}

describe('several items in one body', () => {
  const items = parseExact('[{"id":98765432109876543210987},"text",[1]]') as Json[]

  test('are a JSON array, with every digit', () => {
    expect(written({}, items)).toEqual({
      body: '[{"id":98765432109876543210987},"text",[1]]',
      contentType: 'application/json',
    })
  })

  test('are a line each as NDJSON', () => {
    expect(written({ as: 'ndjson' }, items)).toEqual({
      body: '{"id":98765432109876543210987}\n"text"\n[1]\n',
      contentType: 'application/x-ndjson',
    })
  })

  test('stand in an object, under the key and beside the fields of the config', () => {
    const around = { from: 'sluice', batch: '{{ batch.id }} of {{ batch.count }}', version: 2 }
    expect(JSON.parse(String(written({ as: 'object', field: 'events', around }, [1, 2]).body))).toEqual({
      from: 'sluice',
      batch: `${BATCH_ID} of 2`,
      version: 2,
      events: [1, 2],
    })
    expect(written({ as: 'object' }, [1]).body).toBe('{"items":[1]}')
  })

  test('carry the ids of their deliveries: in the object that they are, or beside them', () => {
    expect(written({ idField: 'delivery' }, [{ n: 1, delivery: 'x' }, 2]).body).toBe(
      '[{"delivery":"d0","n":1},{"delivery":"d1","item":2}]',
    )
    expect(written({ idField: 'id', itemField: 'json' }, [{ n: 1 }, 2]).body).toBe(
      '[{"id":"d0","json":{"n":1}},{"id":"d1","json":2}]',
    )
    expect(written({ itemField: 'json' }, [1]).body).toBe('[{"json":1}]')
  })

  test('are never more bytes than the ledger counts', () => {
    const ids = ['0190a000-0000-7000-8000-00000000000d', '0190a000-0000-7000-8000-00000000000e']
    const around = { batch: '{{ batch.id }}', count: '{{ batch.count }}' }
    const wrappings = [
      {},
      { as: 'ndjson' },
      { as: 'object', around },
      { idField: 'a', itemField: 'b' },
      { idField: 'a' },
    ]
    for (const batch of wrappings) {
      const config = batchOf(batch)
      const { wrapBytes, itemBytes } = batchRuleOf(config) ?? { wrapBytes: 0, itemBytes: 0 }
      const items = ids.map((deliveryId) => ({ deliveryId, item: { text: 'ä' } }))
      const bytes = Buffer.byteLength(writeBatch(BATCH_ID, items, config.batch).body)
      const counted = wrapBytes + 2 * (itemBytes + Buffer.byteLength('{"text":"ä"}'))
      expect(bytes).toBeLessThanOrEqual(counted)
      expect(bytes).toBeGreaterThan(counted - 8)
    }
  })
})

function answered(
  body: string | Buffer,
  more: { status?: number; truncated?: boolean; headers?: [string, string][] } = {},
): Answer {
  const timing = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, totalMs: 1 }
  const { status = 200, truncated = false } = more
  const headers: [string, string][] = [['retry-after', '7'], ...(more.headers ?? [])]
  return { ok: true, status, headers, body: Buffer.from(body), truncated, timing, remoteAddress: '127.0.0.1' }
}

/** The verdict and reason of each of three items, whose deliveries are d0, d1 and d2, and whose orders are o0, o1 and o2. */
function judged(results: object, answer: Answer, ofAll: Verdict = DELIVERED) {
  const config = batchOf({ idField: 'id', results: { path: 'results', ...results } })
  const items = [0, 1, 2].map((n) => ({ deliveryId: `d${n}`, item: { order: { no: `o${n}` } } }))
  const policy = { ...config, retryAfterMaxMs: 60_000, now: new Date() }
  return verdictsOf(answer, ofAll, items, config.batch.results, policy)
}

const DELIVERED = {
  verdict: 'delivered',
  reason: 'success',
  message: 'the destination answered 200',
} as const
const shortly = (verdicts: { verdict: string; reason: string }[]) =>
  verdicts.map(({ verdict, reason }) => `${verdict} ${reason}`)

describe('what an answer says of each item', () => {
  test('is read in their order, by the values that mean success or the end', async () => {
    const verdicts = await judged(
      { valuePath: 'state', success: ['ok'], dead: ['invalid'], messagePath: 'why' },
      answered('{"results":[{"state":"ok"},{"state":"invalid","why":"no sku"},{"state":"later"}]}'),
    )
    expect(shortly(verdicts)).toEqual(['delivered success', 'dead item_refused', 'retry item_refused'])
    expect(verdicts[1]?.message).toBe('the destination answered 200, and of this item: invalid, no sku')
  })

  test('is judged as a status is, where it is a number that no list of values names', async () => {
    const verdicts = await judged({}, answered('{"results":[201,429,422]}'))
    expect(shortly(verdicts)).toEqual(['delivered success', 'retry busy', 'dead bad_payload'])
    expect(verdicts[1]).toMatchObject({ retryAfterMs: 7_000 })
  })

  test('is found by index, where the destination lists those that failed', async () => {
    const results = { lists: 'failed', match: 'index', matchPath: 'index', valuePath: 'code', dead: ['bad'] }
    const verdicts = await judged(
      results,
      answered('{"results":[{"index":1,"code":"bad"},{"index":9,"code":"bad"}]}'),
    )
    expect(shortly(verdicts)).toEqual(['delivered success', 'dead item_refused', 'delivered success'])
    expect(shortly(await judged(results, answered('{}')))).toEqual(Array(3).fill('delivered success'))
  })

  test('is found by the id of the delivery, or by one that the item has', async () => {
    const body = (ids: string[]) => JSON.stringify({ results: ids.map((id) => ({ id, ok: true })) })
    const results = { match: 'id', matchPath: 'id', valuePath: 'ok', success: [true] }
    const expected = ['delivered success', 'retry no_result', 'delivered success']
    expect(shortly(await judged(results, answered(body(['d2', 'd0']))))).toEqual(expected)
    const byOrder = { ...results, itemPath: 'order.no' }
    expect(shortly(await judged(byOrder, answered(body(['o2', 'o0']))))).toEqual(expected)
  })

  test('is what it says of all, where there are no results or the answer is no success', async () => {
    const results = { success: ['ok'] }
    for (const body of ['', 'thank you', '{"results":{}}'])
      expect(shortly(await judged(results, answered(body)))).toEqual(Array(3).fill('delivered success'))
    const refused = {
      verdict: 'dead',
      reason: 'bad_payload',
      message: 'the destination answered 400',
    } as const
    expect(await judged(results, answered('{"results":["ok","ok","ok"]}', { status: 400 }), refused)).toEqual(
      Array(3).fill(refused),
    )
  })

  test('is read however the answer is written: with a mark, in another charset, compressed', async () => {
    const text = '{"results":["ok","no","ok"]}'
    const expected = ['delivered success', 'dead item_refused', 'delivered success']
    const asked = (answer: Answer) => judged({ success: ['ok'], dead: ['no'] }, answer)
    const utf16: [string, string] = ['content-type', 'application/json; charset=utf-16le']
    const gzip: [string, string] = ['content-encoding', 'gzip']
    for (const answer of [
      answered(`\uFEFF${text}`),
      answered(Buffer.from(text, 'utf16le'), { headers: [utf16] }),
      answered(Buffer.from(text.replace('}', ',"by":"Jos\xe9"}'), 'latin1')),
      answered(gzipSync(text), { headers: [gzip] }),
    ])
      expect(shortly(await asked(answer))).toEqual(expected)
    const cut = await asked(answered(gzipSync(text).subarray(0, -9), { headers: [gzip] }))
    expect(shortly(cut)).toEqual(Array(3).fill('retry no_result'))
    expect(cut[0]?.message).toContain('its results cannot be read: ')
  })

  test('is not guessed from a part of the answer', async () => {
    const verdicts = await judged(
      { success: ['ok'] },
      answered('{"results":["ok","ok","ok"]}', { truncated: true }),
    )
    expect(shortly(verdicts)).toEqual(Array(3).fill('retry no_result'))
  })
})
