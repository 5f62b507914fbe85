/** What is set up in a gateway before a round: an integration for each stream of requests. */
import { apiAt } from '../test/world/api.ts'
import { DEDUPE_HEADER, SECRET, STREAMS, type Stream } from './requests.ts'

/** Ill for seconds at a time, so what failed is tried again soon and for long; a circuit opens and closes in between. */
const DESTINATION = {
  timeoutMs: 2_000,
  retry: { kind: 'exponential', firstDelayMs: 200, factor: 1.5, delayMaxMs: 2_000, triesMax: 100 },
  circuit: { windowSeconds: 5, pauseSeconds: 0.5, pauseSecondsMax: 2 },
}

/** Gives the id of the integration of each stream. */
export async function createIntegrations(
  adminUrl: string,
  adminKey: string,
  receiverPort: number,
): Promise<Record<Stream, string>> {
  const api = apiAt(adminUrl, adminKey)
  const { id: shop } = await api.application('chaos')
  await api.rewriteFunction(shop, 'copy', 'return { jobStatus: 1, data: job.data.data }')
  const made = STREAMS.map(async (stream) => {
    const url = `http://127.0.0.1:${receiverPort}/${stream}/{{ number }}/{{ wish | default: "take" }}`
    const created = await api.call('POST', '/destinations', {
      applicationId: shop,
      name: stream,
      config: { kind: 'http', url, ...DESTINATION },
    })
    const definition = { ...definitionOf(stream, created.body.id), proof: PROOF }
    const { id } = await api.integration(shop, definition, { name: stream })
    return [stream, id] as const
  })
  return Object.fromEntries(await Promise.all(made)) as Record<Stream, string>
}

/** Windows are measured by the clocks of the edges: longer than any jump of one. */
const WINDOW_SECONDS = 90 * 86_400

const PROOF = { scheme: 'hmac', header: 'x-signature', secrets: [{ secret: SECRET }] }

function definitionOf(stream: Stream, destination: string): object {
  const push = { id: 'push', kind: 'push', destination }
  switch (stream) {
    case 'plain':
      return {
        dedupe: false,
        nodes: [
          {
            id: 'wanted',
            kind: 'decision',
            branches: [{ when: { path: 'wish', op: 'notEquals', value: 'filter' }, next: ['copy'] }],
          },
          { id: 'copy', kind: 'transform', function: 'copy', next: ['push'] },
          push,
        ],
      }
    case 'xml':
      return {
        dedupe: false,
        nodes: [{ ...push, mapping: { number: 'order.number', id: 'order.id', text: 'order.text' } }],
      }
    case 'keyed':
      return { dedupe: { by: 'header', header: DEDUPE_HEADER, windowSeconds: WINDOW_SECONDS }, nodes: [push] }
    case 'ordered':
      return {
        dedupe: { by: 'fields', fields: ['number'], windowSeconds: WINDOW_SECONDS },
        nodes: [{ ...push, orderKey: '{{ key }}' }],
      }
  }
}
