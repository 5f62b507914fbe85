import http from 'node:http'
import https from 'node:https'
import type { Answer } from './answer.ts'
import type { SimulatedRequest } from './signed-request.ts'

/** No answer. */
export interface Failure {
  /** In a sentence. */
  readonly failure: string
  /** Nobody took the connection, so nothing can have come there. */
  readonly isUnsent: boolean
}

/** Connections that are kept open from one request to the next, as those of a busy source are. */
export interface Connections {
  readonly http: http.Agent
  readonly https: https.Agent
  close(): void
}

export function openConnections(connectionsMax: number): Connections {
  const options = { keepAlive: true, maxSockets: connectionsMax }
  const agents = { http: new http.Agent(options), https: new https.Agent(options) }
  return {
    ...agents,
    close() {
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}

const ANSWER_BYTES_MAX = 65_536

/** Sends one request and gives its answer, without following a redirect. The time is for all of it. */
export function exchange(
  { method, url, headers, body }: SimulatedRequest,
  connections: Connections,
  timeoutMs: number,
): Promise<Answer | Failure> {
  const { promise, resolve } = Promise.withResolvers<Answer | Failure>()
  const isPlain = url.startsWith('http:')
  const request = (isPlain ? http : https).request(url, {
    method,
    headers: body.length === 0 && method === 'GET' ? headers : { ...headers, 'Content-Length': body.length },
    agent: isPlain ? connections.http : connections.https,
  })
  const timer = setTimeout(() => {
    resolve({ failure: `no answer within ${timeoutMs} ms`, isUnsent: false })
    request.destroy()
  }, timeoutMs)
  const fail = (error: NodeJS.ErrnoException) =>
    resolve({ failure: sentenceOf(error, url), isUnsent: error.code === 'ECONNREFUSED' })
  request.on('error', fail)
  request.on('response', (response) => {
    readBeginning(response).then((text) => {
      resolve({ status: response.statusCode ?? 0, headers: joined(response.headers), body: text })
    }, fail)
  })
  request.end(body)
  return promise.finally(() => clearTimeout(timer))
}

async function readBeginning(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (bytes < ANSWER_BYTES_MAX) chunks.push(chunk)
    bytes += chunk.length
  }
  return Buffer.concat(chunks).subarray(0, ANSWER_BYTES_MAX).toString('utf8')
}

function joined(headers: http.IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]))
}

function sentenceOf(error: NodeJS.ErrnoException, url: string): string {
  const { host } = new URL(url)
  if (error.code === 'ECONNREFUSED') return `nobody listens at ${host}`
  if (error.code === 'ENOTFOUND') return `there is no host ${host}`
  return `the connection to ${host} failed: ${error.message || error.code}`
}
