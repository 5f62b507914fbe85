import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import type { SimulatedRequest } from '../../src/simulator/simulator.ts'

interface Answer {
  status: number
  body: string
}

/**
 * Sends requests, each on a connection of its own, so that they end at the same moment: the last byte of each is held
 * back until all the others are on their way.
 */
export async function sendAtOnce(requests: readonly SimulatedRequest[]): Promise<Answer[]> {
  const held = await Promise.all(requests.map(hold))
  return Promise.all(held.map((release) => release()))
}

async function hold({ method, url, headers, body }: SimulatedRequest): Promise<() => Promise<Answer>> {
  const request = httpRequest(url, {
    method,
    headers: { ...headers, 'Content-Length': body.length },
    agent: false,
  })
  const answer = answerTo(request)
  // It may fail while others are still being held.
  answer.catch(() => {})
  await new Promise<void>((resolve, reject) => {
    request.once('error', reject)
    request.write(body.subarray(0, -1), () => resolve())
  })
  return () => {
    request.end(body.subarray(-1))
    return answer
  }
}

function answerTo(request: ClientRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.once('error', reject)
    request.once('response', (response) => read(response).then(resolve, reject))
  })
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }
}
