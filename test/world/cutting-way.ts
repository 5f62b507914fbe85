import net from 'node:net'

/** A way to the server that ends when the server's answer to COMMIT comes by. */
export async function startCuttingWay(port: number, host = '127.0.0.1') {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((near) => {
    const far = net.connect(port, host)
    let isCommitting = false
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => [near, far].map((one) => one.destroy()))
    }
    near.on('data', (chunk) => {
      isCommitting ||= /\bcommit\b/i.test(chunk.toString('latin1'))
      far.write(chunk)
    })
    far.on('data', (chunk) => {
      if (isCommitting) near.destroy()
      else near.write(chunk)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as net.AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
