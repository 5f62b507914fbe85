import { randomUUID } from 'node:crypto'
import {
  type Connections,
  exchange,
  type Imitation,
  openConnections,
  type SimulatedRequest,
  sendMany,
  signedRequest,
  takenBy,
} from '../simulator/simulator.ts'
import { asCurl } from './as-curl.ts'
import { readHeaders, readWanted, type SendOptions, type Wanted } from './send-options.ts'
import { type Outcome, reportOn } from './send-report.ts'
import { findTarget, warningsAbout } from './send-target.ts'

/** Sends, or prints, what is asked for. Gives the exit code: 0 when every answer was as the source wants it. */
export async function sendAs(imitation: Imitation, options: SendOptions): Promise<number> {
  const target = await findTarget(options)
  const wanted = await readWanted(imitation, options, target.url)
  const more = readHeaders(options.withHeader)
  function newRequest(): SimulatedRequest {
    // The moment of a signature is that of its sending, however long the others took.
    const request = signedRequest(imitation.name, { ...wanted, now: new Date(), event: randomUUID() })
    return { ...request, headers: { ...request.headers, ...more } }
  }
  const first = newRequest()
  for (const note of notesOn(imitation, options, first)) console.error(`note: ${note}`)
  if (options.print) {
    console.log(asCurl(first))
    return 0
  }
  const connections = openConnections(options.concurrency)
  try {
    for (const warning of await warningsAbout(target, { imitation, wanted, connections }))
      console.error(`warning: ${warning}`)
    return await send({ imitation, options, wanted, connections, first, newRequest })
  } finally {
    connections.close()
  }
}

function notesOn({ note }: Imitation, options: SendOptions, request: SimulatedRequest): string[] {
  const { file, fresh, same, times, topic, unsigned } = options
  const isOwnBody = file !== undefined && !fresh
  const notes: string[] = []
  if (note !== undefined && !unsigned) notes.push(note)
  if (isOwnBody && topic !== undefined && !Object.values(request.headers).includes(topic))
    notes.push('the topic stands in the body, which is sent as it is; --fresh writes it there')
  if (isOwnBody && times > 1 && !same)
    notes.push('every request has the same body, so events may count as duplicates; --fresh gives it new ids')
  if (same && times === 1) notes.push('--same makes duplicates only with --times')
  return notes
}

interface Sending {
  imitation: Imitation
  options: SendOptions
  wanted: Wanted
  connections: Connections
  first: SimulatedRequest
  newRequest(): SimulatedRequest
}

async function send({
  imitation,
  options,
  wanted,
  connections,
  first,
  newRequest,
}: Sending): Promise<number> {
  const { times, concurrency, timeoutMs, wrong } = options
  const taken = takenBy(imitation.name, wanted.handshake)
  const report = reportOn({ title: imitation.title, times, wrong, taken })
  await sendMany<Outcome>({
    count: times,
    concurrency,
    async send(index) {
      const request = index === 0 || options.same ? first : newRequest()
      return { request, answer: await exchange(request, connections, timeoutMs) }
    },
    ended: report.ended,
    stop: interrupted(),
  })
  return report.close()
}

/** One Ctrl-C may come twice, from the terminal and passed on by the launcher; a later one ends at once. */
const SAME_SIGNAL_MS = 1_000

function interrupted(): AbortSignal {
  const stop = new AbortController()
  let askedAt: number | undefined
  process.on('SIGINT', () => {
    askedAt ??= performance.now()
    if (performance.now() - askedAt > SAME_SIGNAL_MS) process.exit(130)
    stop.abort()
  })
  return stop.signal
}
