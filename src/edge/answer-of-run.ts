import type { Ledger } from '../ledger/ledger.ts'
import type { Passage } from './account.ts'
import type { Answer } from './reply.ts'

/**
 * What the nodes have to say to the sender, where the definition asks for it and they say it in time; else the usual
 * answer. The event is kept already: nothing here can change that.
 */
export async function answerOfRun(
  { awaited }: Passage,
  usual: Answer,
  ledger: Pick<Ledger, 'awaitRun'>,
): Promise<Answer> {
  if (!awaited) return usual
  const { status, contentType, deadlineMs } = awaited.respond
  const said = await ledger.awaitRun(awaited.runId, deadlineMs)
  if (said === undefined || !('body' in said)) return usual
  return { status, headers: { 'content-type': contentType }, body: said.body }
}
