import { startTestGateway, type TestGateway, type WorldOptions } from '../world/gateway.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'

export interface Road {
  receiver: Receiver
  world: TestGateway
  api: TestGateway['api']
  /** The id of an application made for this road. */
  shop: string
  /** Makes a destination at the receiver and gives its id. */
  destination(path: string, config?: object): Promise<string>
  /** Makes an integration of these nodes and gives its id. */
  integration(nodes: object[], more?: object): Promise<string>
  close(): Promise<void>
}

/** A receiver, and a gateway that may reach it, and these places. */
export async function openRoad(options: WorldOptions & { alsoAllowed?: string[] } = {}): Promise<Road> {
  const receiver = await startReceiver()
  const env = {
    OUTBOUND_ALLOWED: [`127.0.0.1:${receiver.port}`, ...(options.alsoAllowed ?? [])].join(','),
    ...options.env,
  }
  const world = await startTestGateway({ ...options, env })
  const { api } = world
  const { id: shop } = await api.application('shop')
  return {
    receiver,
    world,
    api,
    shop,
    destination: async (path, config = {}) =>
      (await api.destination(shop, `${receiver.url}${path}`, config)).id,
    integration: async (nodes, more = {}) => (await api.integration(shop, { nodes, ...more })).id,
    async close() {
      await world.close()
      await receiver.close()
    },
  }
}

/** What came to an address of the receiver, bodies as text. */
export function cameTo(receiver: Receiver, path: string): string[] {
  return receiver.requests.filter(({ url }) => url === path).map(({ body }) => body.toString())
}
