/**
 * Requests whose proof is known, by the names that the sources' documents give. Those with an origin are published by
 * the vendor, signature and all; the others were computed from the documented scheme by another program than ours.
 */
export interface KnownRequest {
  name: string
  source: string
  origin?: string
  given: {
    url?: string
    secret?: string
    user?: string
    topic?: string
    contentType?: string
    deliveryId?: string
    handshake?: string
    /** ISO 8601. */
    now?: string
    options?: Record<string, string>
  }
  body: string
  /** Those that the proof and the event need. */
  headers: Record<string, string>
  /** The address where the source adds to it. */
  url?: string
}

export const KNOWN_REQUESTS: KnownRequest[] = [
  {
    name: 'shopify-01',
    source: 'shopify',
    given: {
      secret: 'shpss_0123456789abcdef0123456789abcdef',
      topic: 'orders/create',
      options: {
        shop: 'demo-shop.myshopify.com',
      },
    },
    body: '{"id":820982911946154508,"admin_graphql_api_id":"gid:\\/\\/shopify\\/Order\\/820982911946154508","name":"#1001","email":"jana@example.com","total_price":"99.90","currency":"EUR","note":"Příliš žluťoučký kůň","line_items":[{"id":1,"sku":"TSHIRT-001","quantity":2,"price":"29.95"}]}',
    headers: {
      'x-shopify-topic': 'orders/create',
      'x-shopify-shop-domain': 'demo-shop.myshopify.com',
      'x-shopify-api-version': '2026-01',
      'x-shopify-hmac-sha256': '5lcyp0dcHmOtj7jFTxuv8z0TyS9TM+pm7poUr/x2AF4=',
    },
  },
  {
    name: 'woocommerce-01',
    source: 'woocommerce',
    given: {
      secret: 'o4&t<zT$K"9\'xY',
      topic: 'order.created',
      deliveryId: '6a9c5e1ed0e8c5bd1f3ee9a3aa0f4a3b',
    },
    body: '{"id":727,"parent_id":0,"status":"processing","currency":"USD","total":"29.35","date_created":"2026-01-01T00:00:00","billing":{"email":"john@example.com"},"line_items":[{"id":315,"name":"Woo Single #1","sku":"","quantity":2,"total":"6.00"}]}',
    headers: {
      'x-wc-webhook-source': 'https://shop.example.com/',
      'x-wc-webhook-topic': 'order.created',
      'x-wc-webhook-resource': 'order',
      'x-wc-webhook-event': 'created',
      'x-wc-webhook-id': '142',
      'x-wc-webhook-delivery-id': '6a9c5e1ed0e8c5bd1f3ee9a3aa0f4a3b',
      'x-wc-webhook-signature': 'stFUTmFd9eFJnJK9uryNhafWJcjhg9VN30fboPm/jg8=',
    },
  },
  {
    name: 'magento-aligent-01',
    source: 'magento-aligent-async-events',
    given: {
      secret: 'verification-token',
    },
    body: '{"order_id":"000000123","url":"https:\\/\\/m2.example.com"}',
    headers: {
      'x-magento-signature': 'cfd210d330c13aebbcd3173871ce9d98a0daf05330f36a2535e6f74afc94e04f',
    },
  },
  {
    name: 'retino-01',
    source: 'retino',
    given: {
      secret: 'rt_5b1c7d1f2a',
    },
    body: '{"event_type":"ticket.created","created_at":"2026-01-01T00:00:00.010Z","ticket":{"id":"8fad1c8d-3740-4aab-a224-c0ef379ea216","code":"20260001","state":"4531636a-108f-4ae3-abff-367901418600","customer":{"email":"vladimir@example.com"}}}',
    headers: {
      'x-retino-secret': 'rt_5b1c7d1f2a',
    },
  },
  {
    name: 'openticket-01',
    source: 'openticket',
    given: {
      secret: '5aK2HMgcUlDCWLuC3KWa',
      topic: 'order.paid',
      deliveryId: 'ba7a36206f413cfcec086e8ad78449b5',
    },
    body: '{"guid":"0d2b8c1e-1111-4222-8333-444455556666","shop_id":"7d2bb3a8-739b-41c8-afe0-80b66f70943a","status":"complete","currency":"EUR","price":1050,"tickets":[{"guid":"t-1","price":1050}]}',
    headers: {
      'openticket-trigger': 'order.paid',
      'openticket-identifier': '5aK2HMgcUlDCWLuC3KWa',
      'openticket-dedupe-key': 'ba7a36206f413cfcec086e8ad78449b5',
    },
  },
  {
    name: 'tilby-01-handshake',
    source: 'tilby',
    given: {
      handshake: 'subscribed',
      now: '2022-02-23T15:43:31.714Z',
      options: {
        environmentId: 'shop-1',
        clientId: 'client-1',
      },
    },
    body: '{"type":"SUBSCRIBED","entity_name":"sales","time":"2022-02-23T15:43:31.714Z","environment_id":"shop-1","client_id":"client-1"}',
    headers: {},
  },
  {
    name: 'shopctrl-01-basic',
    source: 'shopctrl',
    given: {
      user: 'hook',
      secret: 'p@ss:word',
      options: {
        scheme: 'basic',
      },
    },
    body: '{"entityData":{"OrderId":88123,"OrderCode":"NL-2026-000123"}}',
    headers: {
      authorization: 'Basic aG9vazpwQHNzOndvcmQ=',
    },
  },
  {
    name: 'shopctrl-03-hmac-generic',
    source: 'shopctrl',
    given: {
      secret: 'shopctrl-hmac-secret',
      options: {
        scheme: 'hmac',
        header: 'x-shopctrl-signature-PLACEHOLDER',
      },
    },
    body: '{"entityData":{"OrderId":88123,"OrderCode":"NL-2026-000123"}}',
    headers: {
      'x-shopctrl-signature-PLACEHOLDER': 'fpDeRF6UDMZMEu9LbrxeEINl3bzDo2P3J1lrfoR3njw=',
    },
  },
  {
    name: 'standard-webhooks-01',
    source: 'standard-webhooks',
    origin:
      'standard-webhooks/standard-webhooks libraries/javascript/src/webhook.test.ts ("sign function works")',
    given: {
      secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      now: '2021-02-25T15:02:10.000Z',
      deliveryId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    },
    body: '{"test": 2432232314}',
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
  },
  {
    name: 'standard-webhooks-06-ed25519',
    source: 'standard-webhooks',
    origin: 'standard-webhooks libraries/go/webhook_asymmetric_test.go (TestAsymmetricWebhookSign)',
    given: {
      secret: 'whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=',
      now: '2021-02-25T15:02:10.000Z',
      deliveryId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    },
    body: '{"test": 2432232314}',
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature':
        'v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==',
    },
  },
  {
    name: 'stripe-01',
    source: 'stripe',
    given: {
      secret: 'whsec_test_5f8a1c2d3e4b5a69',
      now: '2026-01-01T00:00:00.000Z',
    },
    body: '{\n  "id": "evt_1NG8Du2eZvKYlo2CUI79vXWy",\n  "object": "event",\n  "created": 1767225600,\n  "type": "payment_intent.succeeded",\n  "data": {"object": {"id": "pi_3", "amount": 2000, "currency": "eur"}},\n  "livemode": false\n}',
    headers: {
      'stripe-signature': 't=1767225600,v1=5a9bb23e641cb83fef8f891cef7a839645a76e3bca3053ec4634520126de0952',
    },
  },
  {
    name: 'github-01',
    source: 'github',
    origin: 'github/docs content/webhooks/using-webhooks/validating-webhook-deliveries.md',
    given: {
      secret: "It's a Secret to Everybody",
    },
    body: 'Hello, World!',
    headers: {
      'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    },
  },
  {
    name: 'github-02-ping',
    source: 'github',
    given: {
      secret: "It's a Secret to Everybody",
      topic: 'ping',
    },
    body: '{"zen":"Keep it logically awesome.","hook_id":123,"hook":{"type":"Repository","id":123,"active":true}}',
    headers: {
      'x-github-event': 'ping',
      'x-hub-signature': 'sha1=4e606d2b1873dc82e777bd51fc77c374afd7798c',
      'x-hub-signature-256': 'sha256=824556d6b857682032eeda27adfa02b49973399b6e3950cdaa450c9010bd5feb',
    },
  },
  {
    name: 'github-03-form',
    source: 'github',
    given: {
      secret: "It's a Secret to Everybody",
      topic: 'ping',
      options: {
        format: 'form',
      },
    },
    body: 'payload=%7B%22zen%22%3A%22Keep%20it%20logically%20awesome.%22%2C%22hook_id%22%3A123%2C%22hook%22%3A%7B%22type%22%3A%22Repository%22%2C%22id%22%3A123%2C%22active%22%3Atrue%7D%7D',
    headers: {
      'x-github-event': 'ping',
      'x-hub-signature-256': 'sha256=a0cb235d60fcf17a3a04f65fdaa2ba1c29ade4c19551a7f7b61a2f3bde2afaa1',
    },
  },
  {
    name: 'woocommerce-03-ping',
    source: 'woocommerce',
    given: {
      handshake: 'ping',
    },
    body: 'webhook_id=142',
    headers: {},
  },
  {
    name: 'bigcommerce-01',
    source: 'bigcommerce',
    given: {
      secret: 'bc_client_secret_0a1b2c3d4e5f',
      now: '2026-01-01T00:00:00.000Z',
      deliveryId: 'msg_2bigcommerce',
    },
    body: '{"store_id":"11111","producer":"stores/abcde","scope":"store/order/statusUpdated","data":{"type":"order","id":173331},"hash":"3f9ea420af83450d7ef9f78b08c8af25b2213637","created_at":1767225600}',
    headers: {
      'webhook-id': 'msg_2bigcommerce',
      'webhook-timestamp': '1767225600',
      'webhook-signature': 'v1,9tJnITjFhCG94k0c+w6kVRhQzOpBKI4huIScClMRh/w=',
    },
  },
  {
    name: 'mollie-01',
    source: 'mollie-nextgen',
    given: {
      secret: 'mollie-signing-secret',
    },
    body: '{"resource":"event","id":"event_GvJ8WHrp5isUdRub9CJyH","type":"payment-link.paid","entityId":"pl_qng5gbbv8NAZ5gpM5ZYgx","createdAt":"2026-01-01T00:00:00.0Z"}',
    headers: {
      'x-mollie-signature': 'sha256=a6fa9461103d991a22b7720c7e8a291d9bea1087db604860bbe4d71f766f3f4b',
    },
  },
  {
    name: 'mollie-04-classic',
    source: 'mollie-classic',
    given: {},
    body: 'id=tr_5B8cwPMGnU6qLbRvo7qEZo',
    headers: {},
  },
  {
    name: 'adyen-01',
    source: 'adyen',
    origin: 'Adyen/adyen-node-api-library src/__tests__/hmacValidator.spec.ts (key, item fields, signature)',
    given: {
      secret: 'DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00',
    },
    body: '{"live":"false","notificationItems":[{"NotificationRequestItem":{"pspReference":"pspReference","originalReference":"originalReference","merchantAccountCode":"merchantAccount","merchantReference":"reference","amount":{"currency":"EUR","value":1000},"eventCode":"CAPTURE","eventDate":"1970-01-01T00:00:00.000Z","paymentMethod":"VISA","reason":"reason","success":"true","additionalData":{"hmacSignature":"xhpHvYq2u2Np0rstbZ6QjLGu7JWhvf7Iwaa6EviJSX0="}}}]}',
    headers: {},
  },
  {
    name: 'square-01',
    source: 'square',
    origin: 'Square documentation sample server (seen quoted in several public repositories)',
    given: {
      url: 'https://example.com/webhook',
      secret: 'asdf1234',
    },
    body: '{"hello":"world"}',
    headers: {
      'x-square-hmacsha256-signature': '2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=',
    },
  },
  {
    name: 'xero-01-itr-good',
    source: 'xero',
    given: {
      secret: 'lzHk4sZP0dSAZbZ9XH4Lq1p8cYhWzVmQw==_demo',
    },
    body: '{"events": [],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "S0m3r4Nd0mt3xt"}',
    headers: {
      'x-xero-signature': 'S5ILvv1+b2WNhO+MGjIgj9xmsTOAS4hCuftNv2yyqnk=',
    },
  },
  {
    name: 'xero-03',
    source: 'xero',
    given: {
      secret: 'lzHk4sZP0dSAZbZ9XH4Lq1p8cYhWzVmQw==_demo',
    },
    body: '{"events":[{"resourceUrl":"https://api.xero.com/api.xro/2.0/Contacts/717f2bfc","resourceId":"717f2bfc-c6d4-41fd-b238-3f2f0c0cf777","eventDateUtc":"2026-01-01T00:00:00.000","eventType":"UPDATE","eventCategory":"CONTACT","tenantId":"c2cc9b6e-9458-4c7d-93cc-f02b81b0594f","tenantType":"ORGANISATION"}],"firstEventSequence":1,"lastEventSequence":1,"entropy":"QWERTY"}',
    headers: {
      'x-xero-signature': 'pCTi6zeEqTJMSUQJxUb+tNZcEnZa1inkyvtcfJg4EEI=',
    },
  },
  {
    name: 'hubspot-01-v1',
    source: 'hubspot',
    origin: 'HubSpot/hubspot-api-nodejs test/unit/signature.spec.ts',
    given: {
      url: 'https://www.example.com/webhook_uri',
      secret: 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy',
      options: {
        signature: 'v1',
      },
    },
    body: '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]',
    headers: {
      'x-hubspot-signature': '232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de',
      'x-hubspot-signature-version': 'v1',
    },
  },
  {
    name: 'hubspot-02-v2',
    source: 'hubspot',
    origin: 'HubSpot/hubspot-api-nodejs test/unit/signature.spec.ts',
    given: {
      url: 'https://www.example.com/webhook_uri',
      secret: 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy',
      options: {
        signature: 'v2',
      },
    },
    body: '{"example_field":"example_value"}',
    headers: {
      'x-hubspot-signature': '9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900',
      'x-hubspot-signature-version': 'v2',
    },
  },
  {
    name: 'hubspot-03-v3',
    source: 'hubspot',
    given: {
      url: 'https://www.example.com/webhook_uri',
      secret: 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy',
      now: '2026-01-01T00:00:00.000Z',
    },
    body: '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]',
    headers: {
      'x-hubspot-request-timestamp': '1767225600000',
      'x-hubspot-signature-v3': '3Nm4ySsdCHqjh+VOfIMLFr4xOKNviwy+7LZrnVvVBIg=',
    },
  },
  {
    name: 'twilio-01-form',
    source: 'twilio',
    origin: 'twilio/twilio-node spec/validation.spec.js',
    given: {
      url: 'https://mycompany.com/myapp.php?foo=1&bar=2',
      secret: '12345',
    },
    body: 'CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212',
    headers: {
      'x-twilio-signature': 'RSOYDt4T1cUTdK1PDd93/VVr8B8=',
    },
  },
  {
    name: 'twilio-02-json',
    source: 'twilio',
    origin: 'twilio/twilio-node spec/validation.spec.js',
    given: {
      url: 'https://mycompany.com/myapp.php?foo=1&bar=2',
      secret: '12345',
      contentType: 'application/json',
    },
    body: '{"property": "value", "boolean": true}',
    headers: {
      'x-twilio-signature': 'a9nBmqA0ju/hNViExpshrM61xv4=',
    },
    url: 'https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620',
  },
  {
    name: 'twilio-03-multi',
    source: 'twilio',
    origin: 'twilio/twilio-node spec/validation.spec.js',
    given: {
      url: 'https://mycompany.com/myapp.php?foo=1&bar=2',
      secret: '12345',
    },
    body: 'Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234',
    headers: {
      'x-twilio-signature': 'IK+Dwps556ElfBT0I3Rgjkr1wJU=',
    },
  },
  {
    name: 'klarna-01',
    source: 'klarna',
    given: {
      secret: 'klarna-signing-key',
      options: {
        keyId: 'krn:partner:global:notification:signing-key:49bcd37b-79a7-4e6e-b067-2903b45fef42',
      },
    },
    body: '{"metadata":{"event_type":"payment.request.state-change.authorized","event_id":"d9f9b1a0-5b1a-4b0e-9b0a-9b0a9b0a9b0a","event_version":"v2","occurred_at":"2026-01-01T00:00:00Z","live":false},"payload":{}}',
    headers: {
      'klarna-signing-key-id':
        'krn:partner:global:notification:signing-key:49bcd37b-79a7-4e6e-b067-2903b45fef42',
      'klarna-signature': 'bb86b8e4f514a572c22dab8a47354f2ddfaa91e16e935bb17c4611edf5c157eb',
    },
  },
  {
    name: 'lightspeed-x-01',
    source: 'lightspeed-x-series',
    given: {
      secret: 'ls-client-secret',
    },
    body: 'payload=%7B%22id%22%3A%2202dcd191-ae2b-11e6-f485-8eceed6eeafb%22%2C%22status%22%3A%22CLOSED%22%2C%22total_price%22%3A%2229.90%22%7D&domain_prefix=demo',
    headers: {
      'x-signature':
        'signature=894bb88822fd02e6c4c1e42082b3f58d122814729daa5ad0888287b5b5671e53,algorithm=HMAC-SHA256',
    },
  },
]
