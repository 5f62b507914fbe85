import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { DEFAULT_BODY_LIMITS } from '../payload/body-limits.ts'
import { stringifyExact } from '../payload/exact-json.ts'
import { readJson } from '../payload/read-json.ts'
import { writeDurably } from '../platform/durable-file.ts'
import { newToken } from '../platform/ids.ts'
import { openReceived, type Received } from './demo-received.ts'
import { keepSecret } from './home.ts'

/** The demo destination: shows what it received, also after a restart. */
export interface DemoReceiver {
  port: number
  /**
   * Begins to receive, and to write into its home; to be called by the one process that works there. Gives the
   * address: POST delivers, GET lists. Its token keeps other pages of the same machine out.
   */
  open(): Promise<string>
  close(): Promise<void>
}

const HOST = '127.0.0.1'
const PORT_FILE = 'demo.port'
const BODY_BYTES_MAX = 1024 * 1024

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** Listens, on the port of the last time where that is free: deliveries under way know no other. Writes nothing yet. */
export async function startDemoReceiver(home: string): Promise<DemoReceiver> {
  let answer: Answer = async (_request, response) => void response.writeHead(503).end()
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(500).end())
  })
  const port = await listen(server, await lastPort(home))
  return {
    port,
    async open() {
      const token = await keepSecret(home, 'demo.token', newToken)
      const received = await openReceived(path.join(home, 'demo-received.ndjson'))
      await writeDurably(path.join(home, PORT_FILE), `${port}\n`)
      answer = answerFrom(received, `/${token}`)
      return `http://${HOST}:${port}/${token}`
    },
    close: () => close(server),
  }
}

async function lastPort(home: string): Promise<number> {
  const text = await readFile(path.join(home, PORT_FILE), 'utf8').catch(() => '')
  return /^[0-9]{1,5}$/.test(text.trim()) ? Number(text) : 0
}

async function listen(server: Server, port: number): Promise<number> {
  const isListening = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error) => (port === 0 ? reject(error) : resolve(false)))
    server.listen(port, HOST, () => resolve(true))
  })
  server.removeAllListeners('error')
  return isListening ? (server.address() as AddressInfo).port : listen(server, 0)
}

function answerFrom(received: Received, address: string): Answer {
  return async (request, response) => {
    if (request.url !== address) return void response.writeHead(404).end()
    if (request.method === 'GET') {
      const items = (await received.latest()).map((line) => `  ${line}`)
      response.writeHead(200, { 'content-type': 'application/json' })
      return void response.end(`[\n${items.join(',\n')}\n]\n`)
    }
    const id = request.headers['webhook-id']
    const facts = stringifyExact({ receivedAt: new Date().toISOString(), deliveryId: id ? String(id) : null })
    await received.add(`${facts.slice(0, -1)},"body":${asJson(await readText(request))}}`)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"received":true}')
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new Error('too large for the demo')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** JSON on one line with its digits as they came; any other text as a JSON string. */
function asJson(text: string): string {
  const read = readJson(text, DEFAULT_BODY_LIMITS)
  return read.ok ? stringifyExact(read.read()) : JSON.stringify(text)
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
