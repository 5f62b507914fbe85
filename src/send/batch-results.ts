import { verdict as httpVerdict, type VerdictPolicy } from '../http-request/http-request.ts'
import type { Answer, Answered } from '../outbound/outbound.ts'
import { isNumeric, type Json, stringifyExact } from '../payload/exact-json.ts'
import { parsePath, valueAt } from '../payload/path.ts'
import type { BatchConfig, BatchItem } from './batch-body.ts'
import { readResultList } from './result-list.ts'
import type { Verdict } from './verdict.ts'

type ResultsConfig = NonNullable<BatchConfig['results']>

/** So much of an answer is read where it tells of each item; a thousand results fit well. */
export const RESULTS_BYTES_MAX = 4 * 1_048_576

/**
 * What an answer says of each item of a batch, in their order. What it does not say of one is what it says of all: where
 * it is no success, where it has no list, or where no results are asked for.
 */
export async function verdictsOf(
  answer: Answer | undefined,
  ofAll: Verdict,
  items: readonly BatchItem[],
  results: ResultsConfig | undefined,
  policy: VerdictPolicy,
): Promise<Verdict[]> {
  if (!results || ofAll.verdict !== 'delivered' || !answer?.ok) return items.map(() => ofAll)
  const read = await readResultList(answer, results.path, RESULTS_BYTES_MAX)
  if (!read.ok) {
    const message = `${ofAll.message}, and its results ${read.message}`
    return items.map(() => ({ verdict: 'retry', reason: 'no_result', message }))
  }
  const { list } = read
  if (!list) return items.map(() => ofAll)
  const found = match(list, items, results)
  return items.map((_, index) => {
    const result = found.get(index)
    if (result !== undefined) return judge(result, answer, ofAll, results, policy)
    if (results.lists === 'failed') return ofAll
    return {
      verdict: 'retry',
      reason: 'no_result',
      message: `${ofAll.message}, and its results name this item not`,
    }
  })
}

/** By place of the item. Of several results for one item the last holds. */
function match(list: Json[], items: readonly BatchItem[], results: ResultsConfig): Map<number, Json> {
  const places = placesOf(items, results)
  const matchPath = parsePath(results.matchPath ?? '')
  return new Map(
    list.flatMap((result, order): [number, Json][] => {
      const name = results.match === 'order' ? order : valueAt(result, matchPath)
      const place = name === undefined ? undefined : places.get(String(name))
      return place === undefined ? [] : [[place, result]]
    }),
  )
}

/** The place of each item by what a result calls it. */
function placesOf(items: readonly BatchItem[], { match, itemPath }: ResultsConfig): Map<string, number> {
  const path = itemPath === undefined ? undefined : parsePath(itemPath)
  const nameOf = ({ deliveryId, item }: BatchItem, index: number) => {
    if (match !== 'id') return index
    return path ? valueAt(item, path) : deliveryId
  }
  return new Map(
    items.flatMap((item, index): [string, number][] => {
      const name = nameOf(item, index)
      return name === undefined || name === null ? [] : [[String(name), index]]
    }),
  )
}

function judge(
  result: Json,
  answer: Answered,
  ofAll: Verdict,
  { valuePath, success, dead, messagePath }: ResultsConfig,
  policy: VerdictPolicy,
): Verdict {
  const value = valueAt(result, parsePath(valuePath)) ?? null
  const told = messagePath === undefined ? undefined : valueAt(result, parsePath(messagePath))
  const says = [shortly(value), ...(told === undefined ? [] : [shortly(told)])].join(', ')
  const message = `${ofAll.message}, and of this item: ${says}`
  if (isListed(value, success)) return { verdict: 'delivered', reason: 'success', message }
  if (isListed(value, dead)) return { verdict: 'dead', reason: 'item_refused', message }
  if (isStatus(value)) return { ...httpVerdict({ ...answer, status: Number(value) }, policy), message }
  return { verdict: 'retry', reason: 'item_refused', message }
}

function isListed(value: Json, list: readonly (string | number | boolean | null)[]): boolean {
  return list.some((one) => one === value)
}

/** A number that can be judged as the status of an answer is. */
function isStatus(value: Json): boolean {
  return isNumeric(value) && Number.isInteger(Number(value)) && Number(value) >= 200 && Number(value) <= 599
}

const SAID_CHARS_MAX = 300

function shortly(value: Json): string {
  const text = typeof value === 'string' ? value : stringifyExact(value)
  return text.length > SAID_CHARS_MAX ? `${text.slice(0, SAID_CHARS_MAX)}…` : text
}
