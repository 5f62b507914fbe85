import type { Json } from '../../payload/exact-json.ts'
import { any2xx } from '../answer.ts'
import { type Draft, defineImitation, type Occasion, type Proof } from '../imitation.ts'
import { isoSeconds, unixSeconds } from '../moments.ts'
import type { Pen } from '../pen.ts'
import { compactJson, FORM_TYPE, form, JSON_TYPE } from '../write-body.ts'

/** Source: github/docs, webhooks/using-webhooks/validating-webhook-deliveries.md and webhook-events-and-payloads.md. */
export const github = defineImitation({
  name: 'github',
  title: 'GitHub',
  credentials: { secret: 'the secret of the webhook' },
  options: {
    format: { meaning: 'the content type of the webhook', fallback: 'json', choices: ['json', 'form'] },
  },
  topic: 'push',
  sample: {
    file: 'github-push.json',
    contentType: typeOf,
    write,
    renew({ ids, now }) {
      const commit = ids.hex('commit', 40)
      return {
        after: commit,
        'commits[0].id': commit,
        'commits[0].timestamp': isoSeconds(now),
        'head_commit.id': commit,
        'head_commit.timestamp': isoSeconds(now),
        'repository.pushed_at': unixSeconds(now),
      }
    },
  },
  request: (occasion) => ({ headers: headersOf(occasion, occasion.topic) }),
  prove,
  handshakes: [
    {
      kind: 'ping',
      meaning: 'what it sends when a webhook is made, signed like everything else',
      isProven: true,
      request(occasion) {
        const hook = { type: 'Repository', id: 123, name: 'web', active: true, events: ['push'] }
        const body = { zen: 'Keep it logically awesome.', hook_id: hook.id, hook }
        return {
          headers: headersOf(occasion, 'ping'),
          body: { contentType: typeOf(occasion), bytes: Buffer.from(write(body, occasion)) },
        }
      },
    },
  ],
  wrong: ['secret', 'body', 'missing', 'encoding', 'algorithm'],
  taken: any2xx,
  timeoutMs: 10_000,
})

function typeOf({ option }: Occasion<'format'>): string {
  return option('format') === 'form' ? FORM_TYPE : JSON_TYPE
}

function write(value: Json, { option }: Occasion<'format'>): string {
  return option('format') === 'form' ? form({ payload: compactJson(value) }) : compactJson(value)
}

function headersOf({ ids, deliveryId }: Occasion, event: string): Record<string, string> {
  return {
    'User-Agent': 'GitHub-Hookshot/044aadd',
    'X-GitHub-Event': event,
    'X-GitHub-Delivery': deliveryId ?? ids.uuid('delivery'),
  }
}

/** With the wrong algorithm only the old header is left, which nobody should believe. */
function prove({ body }: Draft, pen: Pen, { wrong }: Occasion): Proof {
  const digest = (algorithm: string) => pen.encode(pen.hmac(algorithm, pen.secret(), body), 'hex')
  const old = { 'X-Hub-Signature': `sha1=${digest('sha1')}` }
  return {
    headers: wrong === 'algorithm' ? old : { ...old, 'X-Hub-Signature-256': `sha256=${digest('sha256')}` },
  }
}
