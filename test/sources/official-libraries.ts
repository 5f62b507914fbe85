/**
 * The vendors' own libraries, as signers and as receivers: written by others, from what the vendors know of their
 * schemes. Square, HubSpot, Xero and Adobe have libraries too, of which one function would bring tens of megabytes or
 * fetches keys by itself; official vectors stand for those.
 */
import '@shopify/shopify-api/adapters/web-api'
import { createRequire } from 'node:module'
import type Adyen from '@adyen/api-library/lib/src/utils/hmacValidator.js'
import { sign as signGithub, verify as verifyGithub } from '@octokit/webhooks-methods'
import { ApiVersion, LogSeverity, shopifyApi } from '@shopify/shopify-api'
import { createSHA256HMAC } from '@shopify/shopify-api/runtime'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { Webhook as SvixWebhook } from 'svix'
import type * as Twilio from 'twilio/lib/webhooks/webhooks.js'
import type { RequestOptions } from '../../src/simulator/simulator.ts'

// From their own files: the whole of either takes seconds to load.
const load = createRequire(import.meta.url)
const twilio: typeof Twilio = load('twilio/lib/webhooks/webhooks.js')
const { default: HmacValidator }: typeof Adyen = load('@adyen/api-library/lib/src/utils/hmacValidator.js')
const adyen = new HmacValidator()

export interface Signed {
  /** What is added to the address. */
  query?: string
  headers: Record<string, string>
  body: string
}

export interface Received {
  url: string
  headers: Readonly<Record<string, string>>
  body: string
}

export interface OfficialLibrary {
  /** The package, and what of it where that is not all. */
  name: string
  source: string
  /** Of the form that the source gives out. */
  secret: string
  /** Settings of the integration beside its secret. */
  settings?: Record<string, unknown>
  /** What the simulator is told beside the secret; null where it does not send what this is about. */
  simulated?: Partial<RequestOptions> | null
  /** Signs an event of its own that is named by the id. */
  sign(secret: string, id: string, url: string): Signed | Promise<Signed>
  /** A change that the signature must not survive. */
  change(body: string): string
  /** Whether a receiver that uses the library would believe the request. */
  believes(secret: string, received: Received): Promise<boolean> | boolean
}

const JSON_TYPE = { 'content-type': 'application/json' }
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' }
const orderOf = (id: string) =>
  JSON.stringify({ id, type: 'order.paid', note: 'Příliš žluťoučký kůň / 100 €' })
const addSpace = (body: string) => `${body} `

export const OFFICIAL_LIBRARIES: OfficialLibrary[] = [
  {
    name: 'standardwebhooks',
    source: 'standard-webhooks',
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    sign(secret, id) {
      const body = orderOf(id)
      const at = new Date()
      const signature = new StandardWebhook(secret).sign(id, at, body)
      return { headers: standardHeaders('webhook-', id, at, signature), body }
    },
    change: addSpace,
    believes: (secret, { headers, body }) => passes(() => new StandardWebhook(secret).verify(body, headers)),
  },
  {
    name: 'standardwebhooks with a raw secret',
    source: 'bigcommerce',
    secret: 'a-client-secret-of-bigcommerce',
    sign(secret, id) {
      const body = orderOf(id)
      const at = new Date()
      const signature = new StandardWebhook(secret, { format: 'raw' }).sign(id, at, body)
      return { headers: standardHeaders('webhook-', id, at, signature), body }
    },
    change: addSpace,
    believes: (secret, { headers, body }) =>
      passes(() => new StandardWebhook(secret, { format: 'raw' }).verify(body, headers)),
  },
  {
    name: 'svix',
    source: 'standard-webhooks',
    secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
    settings: { headerPrefix: 'svix-' },
    simulated: { options: { headerPrefix: 'svix-' } },
    sign(secret, id) {
      const body = orderOf(id)
      const at = new Date()
      const signature = new SvixWebhook(secret).sign(id, at, body)
      return { headers: standardHeaders('svix-', id, at, signature), body }
    },
    change: addSpace,
    believes: (secret, { headers, body }) => passes(() => new SvixWebhook(secret).verify(body, headers)),
  },
  {
    name: 'stripe',
    source: 'stripe',
    secret: 'whsec_test_secret_of_stripe',
    sign(secret, id) {
      const body = JSON.stringify({ id, object: 'event', type: 'payment_intent.succeeded' }, null, 2)
      const signature = Stripe.webhooks.generateTestHeaderString({ payload: body, secret })
      return { headers: { ...JSON_TYPE, 'stripe-signature': signature }, body }
    },
    change: addSpace,
    believes: (secret, { headers, body }) =>
      passes(() => Stripe.webhooks.constructEvent(body, headers['stripe-signature'] ?? '', secret)),
  },
  {
    name: '@octokit/webhooks-methods',
    source: 'github',
    secret: "It's a Secret to Everybody",
    async sign(secret, id) {
      const body = orderOf(id)
      const signature = await signGithub(secret, body)
      const names = { 'x-github-event': 'push', 'x-github-delivery': id }
      return { headers: { ...JSON_TYPE, ...names, 'x-hub-signature-256': signature }, body }
    },
    change: addSpace,
    believes: (secret, { headers, body }) =>
      // Without a signature it throws instead of saying no.
      verifyGithub(secret, body, headers['x-hub-signature-256'] ?? '').catch(() => false),
  },
  {
    name: 'twilio',
    source: 'twilio',
    secret: '0123456789abcdef0123456789abcdef',
    sign(secret, id, url) {
      const parameters = {
        MessageSid: id,
        Body: 'Příliš žluťoučký kůň + 100 %',
        From: '+420123456789',
        To: '',
      }
      const signature = twilio.getExpectedTwilioSignature(secret, url, parameters)
      const headers = { ...FORM_TYPE, 'i-twilio-idempotency-token': id, 'x-twilio-signature': signature }
      return { headers, body: new URLSearchParams(parameters).toString() }
    },
    change: (body) => `${body}&NumMedia=1`,
    believes: (secret, { url, headers, body }) => {
      const parameters = Object.fromEntries(new URLSearchParams(body))
      return twilio.validateRequest(secret, headers['x-twilio-signature'] ?? '', url, parameters)
    },
  },
  {
    name: 'twilio, of a body that is no form',
    source: 'twilio',
    secret: '0123456789abcdef0123456789abcdef',
    simulated: { body: '{"MessageSid":"SM1"}', contentType: 'application/json' },
    sign(secret, id, url) {
      const body = orderOf(id)
      const query = `bodySHA256=${twilio.getExpectedBodyHash(body)}`
      const signature = twilio.getExpectedTwilioSignature(secret, `${url}?${query}`, {})
      const headers = { ...JSON_TYPE, 'i-twilio-idempotency-token': id, 'x-twilio-signature': signature }
      return { query, headers, body }
    },
    change: addSpace,
    believes: (secret, { url, headers, body }) =>
      twilio.validateRequestWithBody(secret, headers['x-twilio-signature'] ?? '', url, body),
  },
  {
    name: '@adyen/api-library',
    source: 'adyen',
    secret: 'DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00',
    sign(secret, id) {
      const item = {
        pspReference: id,
        originalReference: '',
        merchantAccountCode: 'TestMerchant',
        merchantReference: 'order: 100 €',
        amount: { value: 1130, currency: 'EUR' },
        eventCode: 'AUTHORISATION',
        eventDate: '2026-01-01T00:00:00+01:00',
        success: 'true',
      }
      // Its types ask for fields that are not signed and that most notifications do not have.
      const hmacSignature = adyen.calculateHmac(item as never, secret)
      const signed = { NotificationRequestItem: { ...item, additionalData: { hmacSignature } } }
      return { headers: JSON_TYPE, body: JSON.stringify({ live: 'false', notificationItems: [signed] }) }
    },
    change: (body) => body.replace('1130', '1131'),
    believes: (secret, { body }) =>
      JSON.parse(body).notificationItems.every(
        ({ NotificationRequestItem: item }: { NotificationRequestItem: never }) =>
          passes(() => adyen.validateHMAC(item, secret)),
      ),
  },
  {
    name: '@shopify/shopify-api',
    source: 'shopify',
    secret: 'shpss_0123456789abcdef0123456789abcdef',
    async sign(secret, id) {
      const body = orderOf(id)
      return { headers: shopifyHeaders('x-shopify-', id, await createSHA256HMAC(secret, body)), body }
    },
    change: addSpace,
    believes: shopifyBelieves,
  },
  {
    name: '@shopify/shopify-api, events',
    source: 'shopify',
    secret: 'shpss_0123456789abcdef0123456789abcdef',
    simulated: null,
    async sign(secret, id) {
      const body = orderOf(id)
      return { headers: shopifyHeaders('shopify-', id, await createSHA256HMAC(secret, body)), body }
    },
    change: addSpace,
    believes: shopifyBelieves,
  },
]

function standardHeaders(prefix: string, id: string, at: Date, signature: string): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  return {
    ...JSON_TYPE,
    [`${prefix}id`]: id,
    [`${prefix}timestamp`]: timestamp,
    [`${prefix}signature`]: signature,
  }
}

function shopifyHeaders(prefix: string, id: string, signature: string): Record<string, string> {
  return {
    ...JSON_TYPE,
    [`${prefix}topic`]: 'orders/create',
    [`${prefix}shop-domain`]: 'demo-shop.myshopify.com',
    [`${prefix}api-version`]: '2026-01',
    [`${prefix}webhook-id`]: id,
    [`${prefix}hmac-sha256`]: signature,
  }
}

async function shopifyBelieves(secret: string, { url, headers, body }: Received): Promise<boolean> {
  const shopify = shopifyApi({
    apiKey: 'key',
    apiSecretKey: secret,
    hostName: 'hooks.example.com',
    apiVersion: ApiVersion.January26,
    isEmbeddedApp: false,
    logger: { level: LogSeverity.Error },
  })
  const rawRequest = new Request(url, { method: 'POST', headers, body })
  return (await shopify.webhooks.validate({ rawBody: body, rawRequest })).valid
}

function passes(check: () => unknown): boolean {
  try {
    return check() !== false
  } catch {
    return false
  }
}
