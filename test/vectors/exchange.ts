import { request } from 'node:http'
import type { GivenRequest } from './read-file.ts'

export interface Answer {
  status: number
  contentType: string | undefined
  body: string
}

const ANSWER_WITHIN_MS = 20_000

/** These tell how the bytes travel on this one connection, and a wrong one would only keep the gateway waiting. */
const OF_THE_CONNECTION = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** Sends what a vector says and nothing else: its headers in their order, repeated ones too, and its exact bytes. */
export function exchange(port: number, path: string, given: Omit<GivenRequest, 'publicUrl' | 'search'>) {
  const { method, body } = given
  return new Promise<Answer>((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
    const headers = headersOf(port, given)
    const asked = request(
      { host: '127.0.0.1', port, path, method, headers, agent: false, signal },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            contentType: answer.headers['content-type'],
            body: Buffer.concat(chunks).toString(),
          }),
        )
      },
    )
    asked.on('error', reject)
    asked.end(body)
  })
}

function headersOf(
  port: number,
  { headers, method, body }: Pick<GivenRequest, 'headers' | 'method' | 'body'>,
): string[] {
  const sent = headers
    .filter(([name]) => !OF_THE_CONNECTION.has(name.toLowerCase()))
    // Node writes a unit of a text as a byte, and systems that send more than ASCII write UTF-8.
    .map(([name, value]) => [name, Buffer.from(value).toString('latin1')])
  const isNamed = sent.some(([name]) => name?.toLowerCase() === 'host')
  const hasBody = body.length > 0 || (method !== 'GET' && method !== 'HEAD')
  return [
    ...(isNamed ? [] : ['Host', `127.0.0.1:${port}`]),
    ...sent.flat(),
    ...(hasBody ? ['Content-Length', String(body.length)] : []),
    'Connection',
    'close',
  ]
}
