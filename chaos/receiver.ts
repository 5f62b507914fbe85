/**
 * The destination: a process of its own that records what arrives before it answers, and can be told to be ill.
 *
 *     receiver.ts FILE    where to record
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerQuestions } from './channel.ts'
import type { Condition } from './receiver-condition.ts'
import { type Arrived, openRecord } from './record.ts'

export type ReceiverQuestion = { ask: 'port' } | { ask: 'be'; condition: Condition }

const TAKEN = 200
/** For what is sent with the wish to be refused for good. */
const REFUSED = 422
const FAILING = 503

const record = await openRecord<Arrived>(process.argv[2] ?? '')
let condition: Condition = 'well'

const server = createServer((request, response) => {
  void receive(request, response).catch(() => response.destroy())
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

answerQuestions<ReceiverQuestion, number>(
  (question) => {
    if (question.ask === 'be') condition = question.condition
    // What was left unanswered stays so: its sender gives up by itself.
    return (server.address() as AddressInfo).port
  },
  async () => {
    server.closeAllConnections()
    await record.close()
  },
)

/** Addresses are `/<stream>/<number>/<wish>`. */
async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await textOf(request)
  const [, stream = '', number = '', wish = ''] = (request.url ?? '').split('/')
  const now = condition
  const status = statusFor(wish, now)
  await record.append({
    at: Date.now(),
    deliveryId: String(request.headers['webhook-id'] ?? ''),
    attempt: Number(request.headers['sluice-attempt']),
    number: Number(number),
    stream,
    body,
    status,
  })
  if (status !== 0) response.writeHead(status).end()
  else if (now === 'resetting') response.destroy()
}

function statusFor(wish: string, condition: Condition): number {
  if (condition === 'failing') return FAILING
  if (condition !== 'well') return 0
  return wish === 'refuse' ? REFUSED : TAKEN
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
