import { type Json, parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import { eventually } from './eventually.ts'

export const ADMIN_KEY = 'test-admin-key-of-thirty-two-characters'

export type Api = ReturnType<typeof apiAt>

/** The management API with the verbs that tests need; numbers keep their digits. */
export function apiAt(base: string, key = ADMIN_KEY) {
  async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }> {
    const response = await fetch(`${base}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: stringifyExact(body as Json) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : parseExact(text) }
  }
  async function created(path: string, body: unknown): Promise<any> {
    const answer = await call('POST', path, body)
    if (answer.status !== 201)
      throw new Error(`POST ${path}: ${answer.status} ${stringifyExact(answer.body)}`)
    return answer.body
  }
  return {
    call,
    application: (slug: string, more: object = {}) => created('/applications', { slug, name: slug, ...more }),
    destination: (applicationId: string, url: string, config: object = {}) =>
      created('/destinations', { applicationId, name: 'receiver', config: { kind: 'http', url, ...config } }),
    rewriteFunction: (applicationId: string, name: string, source: string) =>
      created('/functions', { applicationId, name, source }),
    integration: (applicationId: string, definition: object, more: object = {}) =>
      created('/integrations', { applicationId, name: 'orders', definition, ...more }),
    /** The event list, newest first. */
    events: async (query = '') => (await call('GET', `/events${query}`)).body.items,
    event: async (id: string) => (await call('GET', `/events/${id}`)).body,
    /** The only event of an integration, once it is in this state. */
    eventIn: (integrationId: string, state: string) =>
      eventually(async () => {
        const { items } = (await call('GET', `/events?integrationId=${integrationId}&status=${state}`)).body
        if (items.length === 0) {
          const all = (await call('GET', `/events?integrationId=${integrationId}`)).body.items
          throw new Error(`no event is ${state}: ${stringifyExact(all)}`)
        }
        return (await call('GET', `/events/${items[0].id}`)).body
      }),
  }
}
