import { createHmac } from 'node:crypto'
import type { ConfigOf } from '../channel-config.ts'
import type { Way } from '../notice.ts'
import { postJson } from './post-json.ts'

/**
 * A signed webhook. A receiver knows what it has seen already by `webhook-id`.
 *
 * Source: Standard Webhooks, spec/standard-webhooks.md, "Payload structure" and "Signature scheme".
 */
export const tellWebhook: Way<ConfigOf<'webhook'>> = async ({ url, secret }, notice, tools) => {
  const { id, type, at, subject, text, data } = notice
  const body = JSON.stringify({ type, timestamp: at.toISOString(), data: { subject, text, ...data } })
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  const headers: [string, string][] = [
    ['webhook-id', id],
    ['webhook-timestamp', timestamp],
    ['webhook-signature', `v1,${signature}`],
  ]
  return postJson(url, headers, body, tools)
}
