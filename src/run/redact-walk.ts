import { type Definition, hiddenOf } from '../integrations/integrations.ts'
import type { NodeResult, TakenRun } from '../ledger/ledger.ts'
import { parseExact, stringifyExact } from '../payload/exact-json.ts'
import { type Redaction, redactionOf } from '../payload/redaction.ts'
import { finalFailure } from './failure.ts'
import { type RunLimits, tooManyBytes } from './limits.ts'
import type { Walk } from './walk.ts'

/** What of a walk may be written down for people to read: `redacted` of each item stands beside what is sent. */
type RedactedWalk = Omit<Walk, 'items'> & {
  items: (Walk['items'][number] & { redacted?: { shown: string; hidden: string } })[]
}

/**
 * Takes what is redacted out of everything that people are shown of a walk, before it is written down. What is sent,
 * and what answers the sender, stays as it is. What is hidden stands with each delivery, so that it can be too much for
 * a run, which then has failed.
 *
 * @param definitions those whose rules hold: of the run, and of today
 */
export function redactWalk(
  walk: Walk,
  run: Pick<TakenRun, 'payload' | 'shown'>,
  definitions: readonly (Definition | undefined)[],
  limits: RunLimits,
): RedactedWalk {
  const shown = run.shown === null ? undefined : parseExact(run.shown)
  const hidden = hiddenOf({ payload: () => parseExact(run.payload), shown }, definitions)
  if (hidden === undefined) return walk
  const redaction = redactionOf(hidden)
  const kept = JSON.stringify(hidden)
  const tooMany = tooManyBytes(walk.bytes + walk.items.length * Buffer.byteLength(kept), limits)
  const found = walk.failure ?? (tooMany === null ? null : finalFailure(tooMany))
  const failure = found && { ...found, message: redaction.text(found.message) }
  return {
    ...walk,
    results: walk.results.map((result) => redactResult(result, redaction)),
    failure,
    items: (failure === null ? walk.items : []).map((item) => ({
      ...item,
      redacted: { shown: redactJson(item.item, redaction), hidden: kept },
    })),
  }
}

function redactResult(result: NodeResult, redaction: Redaction): NodeResult {
  const { output, message, log, call } = result
  return {
    ...result,
    output: output === null ? null : redactJson(output, redaction),
    message: message === null ? null : redaction.text(message),
    log: log.map((line) => redactLine(line, redaction)),
    call: call && {
      ...call,
      url: redaction.text(call.url),
      headers: call.headers.map(([name, value]) => [name, redaction.text(value)]),
    },
  }
}

function redactLine(line: unknown, redaction: Redaction): unknown {
  const { level, text } = line as { level: string; text: string }
  return { level, text: redaction.text(text) }
}

function redactJson(text: string, redaction: Redaction): string {
  return stringifyExact(redaction.json(parseExact(text)))
}
