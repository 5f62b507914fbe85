import type { BatchConfig } from '../../src/send/batch-body.ts'
import { verdictsOf } from '../../src/send/batch-results.ts'
import { filled, joinParts, partsOf, promised, target } from '../target.ts'

type Rule = NonNullable<BatchConfig['results']>

const LISTED = { path: 'results', valuePath: 'status', success: ['ok', true], dead: ['bad'] }
const RULES: Readonly<Record<string, Rule>> = {
  order: { ...LISTED, lists: 'all', match: 'order', messagePath: 'error' },
  index: { ...LISTED, lists: 'failed', match: 'index', matchPath: 'index' },
  id: { ...LISTED, lists: 'all', match: 'id', matchPath: 'id', itemPath: 'order.id' },
  delivery: { ...LISTED, path: '', lists: 'failed', match: 'id', matchPath: 'id', valuePath: '' },
}
const ITEMS = ['1', 'two', '__proto__'].map((id) => ({ deliveryId: id, item: { order: { id } } }))
const OF_ALL = {
  verdict: 'delivered',
  reason: 'success',
  message: 'the destination answered 200',
} as const
const POLICY = { success: ['2xx'], retryOn: [], deadOn: [], retryAfterMaxMs: 1_000, now: new Date(0) }

export const itemResults = target({
  name: 'item-results',
  reads:
    'how results name their items (order, index, id or delivery), and what a destination answers to a batch',
  promise: 'one verdict for each item, and a short sentence with it; what is no list is said of all',
  seeds: [
    joinParts('order', '{"results":[{"status":"ok"},{"status":"bad","error":"no"},{"status":429}]}'),
    joinParts('index', '{"results":[{"index":1,"status":"bad"},{"index":1,"status":true}]}'),
    joinParts('id', '{"results":[{"id":"__proto__","status":503},{"id":1,"status":"ok"},{"id":null}]}'),
    joinParts('delivery', '[{"id":"two"},200,null,[]]'),
    joinParts('order', '{"results":{"status":"ok"}}'),
    joinParts('order', 'OK'),
    joinParts('order', `{"results":[{"status":"bad","error":"${'no '.repeat(500)}"}]}`),
  ],
  words: [
    '"results":',
    '"status":',
    '"index":',
    '"id":',
    '"error":',
    '"ok"',
    '"bad"',
    '200',
    '599.5',
    '1e3',
    '__proto__',
    'constructor',
    'null',
    '{',
    '}',
    '[',
    ']',
    ',',
    '\n---\n',
  ],
  long: {
    results: (bytes) => joinParts('id', filled(bytes, '{"id":"two","status":"ok"},', '{"results":[', '0]}')),
    'results without a name': (bytes) => joinParts('index', filled(bytes, '[],', '{"results":[', '0]}')),
    'a sentence': (bytes) => joinParts('order', filled(bytes, 'x', '{"results":[{"error":"', '"}]}')),
    depth: (bytes) => joinParts('order', filled(bytes, '[', '{"results":')),
  },
  read(input) {
    const [rule = '', body = Buffer.alloc(0)] = partsOf(input, 2)
    const answer = { ok: true, status: 200, headers: [], body, truncated: false } as unknown as Parameters<
      typeof verdictsOf
    >[0]
    return verdictsOf(answer, OF_ALL, ITEMS, RULES[rule.toString()] ?? RULES.order, POLICY)
  },
  judge(_input, verdicts) {
    promised(verdicts.length === ITEMS.length, 'each item has a verdict')
    for (const { verdict, message } of verdicts) {
      promised(['delivered', 'retry', 'dead'].includes(verdict), 'a verdict is one of three')
      promised(message.length < 1_000, 'the sentence is short')
    }
  },
})
