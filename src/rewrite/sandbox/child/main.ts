/**
 * The sandbox process: takes its sources, then a request, runs it, replies, takes the next. Started by the host with an
 * empty environment and Node's permission model; all it holds is the channel on descriptor 3.
 */
import { Socket } from 'node:net'
import { createFrameReader, encodeFrame } from '../frames.ts'
import type { AnswerHead, AskHead, ReplyHead, Request, Sources, SourcesHead } from '../protocol.ts'
import { checkExpressions } from './check-expressions.ts'
import { checkSource } from './check-source.ts'
import { messageOf } from './compile.ts'
import { createWorkplaces } from './isolates.ts'
import { createOutside } from './outside.ts'
import { runExpressions } from './run-expressions.ts'
import { type Answer, runFunction } from './run-function.ts'

const CHANNEL_DESCRIPTOR = 3

process.title = 'sluice sandbox'
// A Ctrl-C, a closed terminal or a service manager's stop reaches the whole group; the host still drains and needs
// its sandbox.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined)

type Worker = (request: Request, frame: string[]) => Promise<Answer>

const channel = new Socket({ fd: CHANNEL_DESCRIPTOR, readable: true, writable: true })
/** There once the process has its sources. */
let worker: Worker | undefined
const outside = createOutside((number, question) => {
  const head: AskHead = { ask: number }
  channel.write(encodeFrame([JSON.stringify(head), question]))
})
const requests = createFrameReader(() => Number.POSITIVE_INFINITY)

// Without a host there is nothing to do and nobody to stop a runaway; the exit must not wait for isolates.
channel.on('close', dieAtOnce)
channel.on('error', dieAtOnce)
channel.on('data', (chunk) => {
  for (const frame of requests.push(chunk)) hear(frame)
})

function hear(frame: string[]): void {
  const [head = '', answer = ''] = frame
  const said = JSON.parse(head) as SourcesHead | Request | AnswerHead
  if (said.kind === 'sources') worker = begin(said)
  else if (said.kind === 'answer') outside.answered(said.ask, answer)
  else if (worker) void serve(worker, said, frame)
}

function begin(sources: Sources): Worker {
  send({ end: 'settled', message: 'ready' }, { cpuMs: 0, wallMs: 0 })
  return createWorker(sources)
}

async function serve(worker: Worker, request: Request, frame: string[]): Promise<void> {
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  const answer = await worker(request, frame).catch((error: unknown): Answer => {
    const isMemory = messageOf(error).includes('memory limit')
    return { end: isMemory ? 'out_of_memory' : 'fault', message: messageOf(error), rest: [] }
  })
  const { user, system } = process.cpuUsage(cpuBefore)
  send(answer, { cpuMs: (user + system) / 1_000, wallMs: performance.now() - startedAt })
}

function createWorker(sources: Sources): Worker {
  const workplaces = createWorkplaces(sources, reportLostControl)
  return (request, [, first = '', second = '']) => {
    switch (request.kind) {
      case 'function':
        return runFunction(workplaces, outside, { ...request, source: first, jobData: second })
      case 'expressions':
        return runExpressions(workplaces, { ...request, expressions: first, input: second })
      case 'check':
        return checkSource(sources, first, request.name, reportLostControl)
      case 'check_expressions':
        return checkExpressions(sources, first, request.limits, reportLostControl)
    }
  }
}

type Sent = Omit<ReplyHead, 'cpuMs' | 'wallMs' | 'rssBytes' | 'place'> & {
  place?: ReplyHead['place'] | undefined
}

function send(
  { rest = [], ...head }: Sent & { rest?: string[] },
  usage: { cpuMs: number; wallMs: number },
): void {
  const text = JSON.stringify({ ...head, ...usage, rssBytes: process.memoryUsage.rss() })
  channel.write(encodeFrame([text, ...rest]))
}

/** V8 has given an isolate up: its thread is lost, and this process with it. */
function reportLostControl(message: string): void {
  const end = message.includes('memory') ? 'out_of_memory' : 'out_of_time'
  const text = JSON.stringify({ end, message, cpuMs: 0, wallMs: 0, rssBytes: 0, isDying: true })
  channel.write(encodeFrame([text]), dieAtOnce)
}

function dieAtOnce(): void {
  process.kill(process.pid, 'SIGKILL')
}
