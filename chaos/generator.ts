/**
 * The sources: a process of its own that numbers every request, sends it over HTTP, and counts it as acknowledged only
 * when the acknowledgement is on its own disk. It knows of faults only what it sees as a sender.
 *
 *     generator.ts FILE    where to record
 */
import { answerQuestions } from './channel.ts'
import { openRecord, type Sent } from './record.ts'
import { type Sending, type SendingOrder, type Sight, startSending } from './sending.ts'

export type GeneratorQuestion =
  | { ask: 'begin'; phase: SendingOrder }
  /** What was seen so far. */
  | { ask: 'sight' }
  /** No new numbers; ends when all that were begun have ended, at the latest after the time. */
  | { ask: 'settle'; withinMs: number }

const record = await openRecord<Sent>(process.argv[2] ?? '')
let sending: Sending | undefined

answerQuestions<GeneratorQuestion, Sight | null>(
  async (question) => {
    if (question.ask === 'begin') {
      sending = startSending(question.phase, record)
      return null
    }
    if (question.ask === 'settle') await sending?.settle(question.withinMs)
    return sending?.sight() ?? null
  },
  async () => {
    await sending?.settle(0)
    await record.close()
  },
)
