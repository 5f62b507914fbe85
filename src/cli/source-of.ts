import { type ProxyTrust, sourceAddress } from '../edge/edge.ts'
import type { Fetch } from './server.ts'

/**
 * Who asks the API, by the same rules as for webhooks. Behind a proxy that names nobody, or something else than an
 * address, it is the proxy.
 */
export function createSourceOf(trust: ProxyTrust): (env: unknown) => string {
  return (env) => {
    const { incoming } = env as Parameters<Fetch>[1]
    const socketAddress = incoming.socket.remoteAddress
    const header = (name: string) => incoming.headers[name]
    const from = sourceAddress({ socketAddress, header }, trust)
    return 'address' in from ? from.address : (socketAddress ?? '')
  }
}
