import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Stands in front of several edges, as proxies do: sends on to those that say they are ready, and retries nothing. */
export interface Balancer {
  url: string
  add(url: string): void
  remove(url: string): void
  /** Requests that each edge was sent. */
  sentTo(url: string): number
  close(): Promise<void>
}

const LOOK_MS = 100

interface Backend {
  url: string
  isReady: boolean
}

export async function startBalancer(): Promise<Balancer> {
  const backends = new Map<string, Backend>()
  const counts = new Map<string, number>()
  const agent = new Agent({ keepAlive: true })
  let turn = 0

  async function look(backend: Backend): Promise<void> {
    backend.isReady = await fetch(`${backend.url}/health/ready`).then(
      ({ status }) => status === 200,
      () => false,
    )
  }

  function forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const ready = [...backends.values()].filter(({ isReady }) => isReady)
    const backend = ready[turn++ % ready.length]
    if (!backend) {
      outgoing.writeHead(502).end('nobody is ready')
      return
    }
    counts.set(backend.url, (counts.get(backend.url) ?? 0) + 1)
    const { method, url, headers } = incoming
    const onward = request(`${backend.url}${url}`, { method, headers, agent }, (answer) => {
      // Whether the connection behind is kept is none of the sender's business.
      const { connection: _, ...kept } = answer.headers
      outgoing.writeHead(answer.statusCode ?? 502, kept)
      answer.pipe(outgoing)
    })
    onward.on('error', (error) => outgoing.writeHead(502).end(error.message))
    incoming.pipe(onward)
  }

  // One that closes idle connections may do so just when the sender takes one up again.
  const server = createServer({ keepAliveTimeout: 120_000 }, forward)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const timer = setInterval(() => {
    for (const backend of backends.values()) void look(backend)
  }, LOOK_MS)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: (url) => void backends.set(url, { url, isReady: false }),
    remove: (url) => void backends.delete(url),
    sentTo: (url) => counts.get(url) ?? 0,
    async close() {
      clearInterval(timer)
      agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
