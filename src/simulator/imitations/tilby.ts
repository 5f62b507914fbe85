import { onlyStatus } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'

/**
 * Source: developer.tilby.com, "Introduction". It documents the handshake and no proof; how an event looks is not
 * documented, and is written here as the handshake with the entity in it.
 */
export const tilby = defineImitation({
  name: 'tilby',
  title: 'Tilby',
  options: {
    environmentId: { meaning: 'the id of the shop', fallback: 'sluice-demo-shop' },
    clientId: { meaning: 'of the static token the webhook was made with', fallback: 'sluice-demo-client' },
  },
  topic: 'sales',
  sample: {
    file: 'tilby-sale.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew: ({ topic, ids, now, wrong, option }) => ({
      entity_name: topic,
      time: now.toISOString(),
      environment_id: wrong === 'sender' ? `${option('environmentId')}-other` : option('environmentId'),
      client_id: option('clientId'),
      'entity.id': ids.integer('sale', 7),
      'entity.uuid': ids.uuid('sale'),
      'entity.closed_at': now.toISOString(),
    }),
  },
  handshakes: [
    {
      kind: 'subscribed',
      meaning: 'what it sends when a webhook is made',
      isProven: false,
      request({ topic, now, option }) {
        const message = {
          type: 'SUBSCRIBED',
          entity_name: topic,
          time: now.toISOString(),
          environment_id: option('environmentId'),
          client_id: option('clientId'),
        }
        return { body: { contentType: JSON_TYPE, bytes: Buffer.from(JSON.stringify(message)) } }
      },
    },
  ],
  wrong: ['sender'],
  taken: onlyStatus(200),
})
