export interface WelcomeFacts {
  url: string
  /** Where the API is: another port than `url` with ADMIN_PORT. */
  adminUrl: string
  adminKey: string
  /** Undefined where the demo's integration was deleted. */
  webhookUrl?: string
  receivedUrl: string
  loopbackAllowed: boolean
  /** Whether `url` is made of HOST, which the certificate need not know. */
  certificateUnsure: boolean
  home: string
}

/** The order on Retrieve's webhook page, as its example prints it. */
const ORDER = JSON.stringify({
  event: 'order.created',
  order: {
    id: 123456,
    order_number: '#1001',
    email: 'customer@example.com',
    total_price: '99.99',
    currency: 'USD',
    items: [{ product_id: 789, sku: 'TSHIRT-001', quantity: 2, price: '29.99' }],
    shipping_address: {
      first_name: 'John',
      last_name: 'Doe',
      address1: '123 Main St',
      city: 'New York',
      zip: '10001',
    },
  },
  created_at: '2025-12-10T14:30:00Z',
})

/** What a newcomer needs after the first start: where it is, how to try it, where to look. */
export function welcome({
  url,
  adminUrl,
  adminKey,
  webhookUrl,
  receivedUrl,
  loopbackAllowed,
  certificateUnsure,
  home,
}: WelcomeFacts): string {
  const senders = loopbackAllowed
    ? 'Programs on this machine may send without being on an allowlist; everybody else is refused.'
    : 'Nobody may send until RETRIEVE_ALLOWED_LIST or an allowlist of the application names them.'
  const curl = certificateUnsure ? 'curl --insecure' : 'curl'
  const demo = [
    `Send a webhook:

${curl} -X POST ${webhookUrl} \\
  -H 'Content-Type: application/json' \\
  -d '${ORDER}'`,
    `See what the demo destination received:

curl ${receivedUrl}`,
  ]
  const steps = [
    ...(webhookUrl === undefined ? [] : demo),
    `See the events, newest first (/events/<id> shows one with all that became of it):

${curl} -H 'Authorization: Bearer ${adminKey}' ${adminUrl}/api/v1/events`,
  ]
  return `
  Sluice is running at ${url}

${steps.map((step, before) => `  ${before + 1}. ${step}\n`).join('\n')}
  ${senders}
  The API is described at ${adminUrl}/api/v1/openapi.json; its key is the one above.
  The data lies in ${home}. Stop with Ctrl-C.

`
}
