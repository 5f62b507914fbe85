/**
 * Load from a process of its own. Plain sockets and prepared bytes, so that the generator costs as little as
 * possible of the two cores it shares with what it measures.
 *
 * Closed loop: each connection sends its next request when the last was answered. Open loop: requests start on a
 * schedule, and a late answer counts from the moment its request was due (no coordinated omission).
 */
import { connect, type Socket } from 'node:net'
import { build } from 'hdr-histogram-js'

export interface LoadOrder {
  port: number
  connections: number
  seconds: number
  /** Of the seconds the first, whose requests are sent and not measured. */
  warmSeconds: number
  /** Requests a second in all; 0 is a closed loop. */
  rate: number
  /** Head of a request without its dedupe header and the final blank line. */
  head: string
  body: string
  /** Makes the event ids of this order differ from those of any other. */
  series: string
}

export interface LoadResult {
  requests: number
  failed: number
  seconds: number
  /** Milliseconds. */
  p50: number
  p99: number
  p999: number
  max: number
}

process.on('message', (order: LoadOrder) => {
  run(order).then((result) => process.send?.(result))
})

async function run(order: LoadOrder): Promise<LoadResult> {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
  })
  const startedAt = performance.now()
  const measuredFrom = startedAt + order.warmSeconds * 1000
  const endsAt = startedAt + order.seconds * 1000
  let sent = 0
  let answered = 0
  let failed = 0

  async function drive(): Promise<void> {
    const socket = await open(order.port)
    while (performance.now() < endsAt) {
      const number = sent++
      const due = order.rate === 0 ? performance.now() : startedAt + (number / order.rate) * 1000
      if (due > endsAt) break
      const wait = due - performance.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      const from = order.rate === 0 ? due : Math.max(due, startedAt)
      const status = await exchange(socket, requestOf(order, number))
      if (from >= measuredFrom)
        histogram.recordValue(Math.max(1, Math.round((performance.now() - from) * 1000)))
      answered++
      if (status !== 200) failed++
    }
    socket.destroy()
  }

  await Promise.all(Array.from({ length: order.connections }, drive))
  const at = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1000
  return {
    requests: answered,
    failed,
    seconds: (performance.now() - startedAt) / 1000,
    p50: at(50),
    p99: at(99),
    p999: at(99.9),
    max: histogram.maxValue / 1000,
  }
}

function requestOf({ head, body, series }: LoadOrder, number: number): string {
  return `${head}x-shopify-event-id: ${series}-${number}\r\n\r\n${body}`
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

/** Both servers answer with a Content-Length and in one piece or two; the status and the end are all that is read. */
function exchange(socket: Socket, request: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = ''
    function onData(chunk: Buffer): void {
      text += chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) return
      const length = Number(/content-length: ([0-9]+)/i.exec(text)?.[1] ?? 0)
      if (text.length < end + 4 + length) return
      socket.off('data', onData)
      socket.off('close', onClose)
      resolve(Number(text.slice(9, 12)))
    }
    function onClose(): void {
      reject(new Error(`the connection closed after: ${text.slice(0, 200)}`))
    }
    socket.on('data', onData)
    socket.once('close', onClose)
    socket.write(request)
  })
}
