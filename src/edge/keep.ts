import type { Integration } from '../integrations/integrations.ts'
import type { EventEntry, Recorded } from '../ledger/ledger.ts'
import type { Passage } from './account.ts'
import type { Gate } from './gate.ts'
import type { Proven } from './prove.ts'
import { type Answer, acceptance } from './reply.ts'

/**
 * Writes request and events down, durably: in the ledger, and hands their runs over, or in the journal. Gives the answer
 * that says so.
 */
export async function keep(
  passage: Passage,
  events: EventEntry[],
  { held, note }: Proven,
  integration: Integration,
  gate: Gate,
): Promise<Answer> {
  const answer = acceptance(integration)
  const outcome = held ? 'quarantined' : 'accepted'
  const request = gate.account.entryOf(passage, { outcome, status: answer.status, detail: note })
  const recorded = await gate.keeper.keep({ request, events })
  if (!recorded) {
    // What it repeats and what its nodes say is known later, so the usual answer stands.
    gate.account.journaled(passage, { status: answer.status, held, note, events: events.length })
    return answer
  }
  const runIds = recorded.flatMap((event) => ('runId' in event ? [event.runId] : []))
  const { respond } = integration.definition
  const [runId, ...others] = runIds
  // Of several events nobody could say which one the answer is about.
  if (respond && runId !== undefined && others.length === 0) passage.awaited = { runId, respond }
  gate.handOver(runIds)
  const { status } = answer
  if (held) gate.account.held(passage, { status, note })
  else gate.account.accepted(passage, { status, events: recorded.length, duplicates: duplicatesIn(recorded) })
  return answer
}

function duplicatesIn(recorded: Recorded[]): number {
  return recorded.filter((event) => 'duplicateOf' in event).length
}
