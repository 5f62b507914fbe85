import { any2xx } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'

/** Source: docs.retino.com, "Webhooks" (12300918). Nothing is signed: the secret itself is sent. */
export const retino = defineImitation({
  name: 'retino',
  title: 'Retino',
  credentials: { secret: 'the secret shown in the detail of the webhook' },
  topic: 'ticket.created',
  sample: {
    file: 'retino-ticket.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew: ({ topic, ids, now }) => ({
      event_type: topic,
      created_at: now.toISOString(),
      'ticket.id': ids.uuid('ticket'),
      'ticket.code': String(ids.integer('code', 8)),
      'ticket.created_at': now.toISOString(),
      'ticket.updated_at': now.toISOString(),
    }),
  },
  prove: (_draft, pen) => ({ headers: { 'X-Retino-Secret': pen.token() } }),
  wrong: ['secret', 'missing'],
  taken: any2xx,
  timeoutMs: 5_000,
})
