import type { Road } from '../road/world.ts'
import { eventually } from '../world/eventually.ts'

/** A shop whose orders go to one destination, and what tests ask of it. */
export interface Dying {
  destination: string
  integration: string
  /** Sends an order and gives its event once it is in this state. */
  order(body: object, state: string): Promise<any>
  /** The deliveries of one event, oldest first. */
  deliveriesOf(eventId: string): Promise<any[]>
}

/** What waits for a retry here waits for an hour. */
export const LATER = { kind: 'fixed', delayMs: 3_600_000 }

/** An integration that pushes each event to an address of the receiver, which decides what becomes of it. */
export async function openDying(road: Road, path: string, config: object = {}): Promise<Dying> {
  const destination = await road.destination(path, { retry: LATER, ...config })
  const integration = await road.integration([{ id: 'push', kind: 'push', destination }])
  const get = async (address: string) => (await road.api.call('GET', address)).body
  return {
    destination,
    integration,
    async order(body, state) {
      await road.world.send(integration, JSON.stringify(body))
      const [{ id }] = await road.api.events(`?integrationId=${integration}&limit=1`)
      return eventually(async () => {
        const event = await road.api.event(id)
        const delivery = event.runs[0]?.deliveries[0]
        const states = [event.state, delivery?.state]
        if (!states.includes(state)) throw new Error(`event and delivery are ${states}, not ${state}`)
        return event
      })
    },
    async deliveriesOf(eventId) {
      return (await get(`/deliveries?eventId=${eventId}`)).items.toReversed()
    },
  }
}
