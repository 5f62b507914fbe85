import type { Dispatcher } from 'undici'
import type { Connection } from './connections.ts'

export interface ExchangeRequest {
  method: string
  path: string
  headers: readonly [name: string, value: string][]
  body: Buffer | string | undefined
  responseBytesMax: number
}

/** What came back on one connection. `error` is set when the answer did not come whole or up to the limit. */
export interface Exchanged {
  status: number | undefined
  headers: [name: string, value: string][]
  body: Buffer
  truncated: boolean
  firstByteAt: number | undefined
  error: unknown
}

/**
 * Sends one request and reads its answer up to the limit. The connection is kept only after a whole answer. Ends at
 * the latest when the signal does.
 */
export async function exchange(
  connection: Connection,
  request: ExchangeRequest,
  signal: AbortSignal,
): Promise<Exchanged> {
  const { promise, resolve } = Promise.withResolvers<Exchanged>()
  const reader = createReader(request.responseBytesMax, resolve)
  const onAbort = () => reader.fail(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    connection.client.dispatch(
      {
        path: request.path,
        method: request.method,
        headers: request.headers.flat(),
        body: request.body ?? null,
      },
      reader.handler,
    )
    if (signal.aborted) onAbort()
    const exchanged = await promise
    if (exchanged.error === undefined && !exchanged.truncated) connection.keep()
    else void connection.drop()
    return exchanged
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Collects an answer; whichever end comes first decides, the later ones are ignored. */
function createReader(bytesMax: number, end: (exchanged: Exchanged) => void) {
  const read: Exchanged = {
    status: undefined,
    headers: [],
    body: Buffer.alloc(0),
    truncated: false,
    firstByteAt: undefined,
    error: undefined,
  }
  const chunks: Buffer[] = []
  let bytes = 0
  const finish = (rest: Partial<Exchanged>) => end({ ...read, body: Buffer.concat(chunks), ...rest })
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart() {},
    onResponseStart(controller, status) {
      // Interim answers (103 Early Hints) come before the one that counts.
      if (status < 200) return
      read.status = status
      read.headers = pairs(controller.rawHeaders)
      read.firstByteAt = performance.now()
    },
    onResponseData(controller, chunk) {
      const room = bytesMax - bytes
      if (room > 0) chunks.push(chunk.subarray(0, room))
      bytes += chunk.length
      if (bytes <= bytesMax) return
      finish({ truncated: true })
      controller.abort(new Error('the answer is longer than the limit'))
    },
    onResponseEnd() {
      finish({})
    },
    onResponseError(_controller, error) {
      finish({ error })
    },
  }
  return { handler, fail: (error: unknown) => finish({ error }) }
}

function pairs(raw: Dispatcher.DispatchController['rawHeaders']): [name: string, value: string][] {
  if (!Array.isArray(raw)) return []
  const texts = raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')))
  const found: [string, string][] = []
  for (let at = 0; at + 1 < texts.length; at += 2)
    found.push([texts[at]?.toLowerCase() ?? '', texts[at + 1] ?? ''])
  return found
}
