import type { Json } from '../../src/payload/exact-json.ts'
import type { Source } from './senders.ts'

/** What a mapping is to find in a body: destination field → path and value. */
export type Picks = Record<string, [path: string, value: Json]>

export interface Sample {
  file: string
  contentType: string
  picks: Picks
  /** Comes through the preset of this source, signed. Without one anyone may send it. */
  source?: Source
}

/** What a source asks before its first event, or says when its webhook is made. */
export interface HandshakeSample {
  file: string
  contentType: string
  source: Source
  kind: string
  /** As it is called in the headers; absent where it comes with none but its content type. */
  topic?: string
}

const JSON_TYPE = 'application/json'
const XML_TYPE = 'application/xml'
const FORM_TYPE = 'application/x-www-form-urlencoded'

function sample(file: string, picks: Picks, contentType = typeOf(file)): Sample {
  return { file, contentType, picks }
}

/** Samples of one source. */
function from(source: Source, ...samples: Sample[]): Sample[] {
  return samples.map((one) => ({ ...one, source }))
}

function typeOf(file: string): string {
  if (file.endsWith('.form')) return FORM_TYPE
  return file.endsWith('.xml') ? XML_TYPE : JSON_TYPE
}

/** Bodies of this repository. */
export const OWN = [
  sample('retrieve-order.json', { id: ['order.id', 123456], sku: ['order.items[0].sku', 'TSHIRT-001'] }),
  sample('retrieve-order.xml', {
    id: ['webhook.order.id', '123456'],
    q: ['webhook.order.items.item.quantity', '2'],
  }),
  ...from(
    'shopify',
    sample('shopify-order.json', { id: ['id', 820982911946154508n], mail: ['email', 'juergen@example.com'] }),
  ),
  ...from(
    'woocommerce',
    sample('woocommerce-order.json', {
      note: ['customer_note', 'Café 😀 \0 end'],
      total: ['total', '29.35'],
    }),
  ),
  sample(
    'erp-order-latin-1.xml',
    {
      no: ['auftrag.@nr', '000042'],
      name: ['auftrag.kunde.name', 'Müller & Söhne'],
      skus: ['auftrag.position[].sku', ['0012345', '04107']],
    },
    'application/xml; charset=ISO-8859-1',
  ),
  sample('orders-utf-16.xml', { name: ['Orders.Order.Name', 'Zoë 𝄞'] }, 'application/xml; charset=utf-16'),
  sample('characters.xml', {
    mark: ['text.@mark', '😀'],
    raw: ['text.raw', 'a\ufeffb'],
    given: ['text.given', '𝄞\r\ufeffc'],
  }),
  sample(
    'cxml-order.xml',
    { id: ['cXML.Request.OrderRequest.OrderRequestHeader.@orderID', 'PO-1'] },
    'text/xml',
  ),
  ...from(
    'github',
    sample('github-payload.form', { number: ['number', 9007199254740993n], title: ['title', 'a b é'] }),
  ),
]

const CUSTOMER = 'cXML.Request.OrderRequest.OrderRequestHeader'
const NOTIFICATION = '["soapenv:Envelope"]["soapenv:Body"].notifications.Notification'

/** The shared samples, but for the hostile ones. */
export const SHARED = [
  ...from(
    'shopify',
    sample('shopify/orders-create.json', { id: ['id', 3653782667469], ip: ['browser_ip', null] }),
    sample('shopify/orders-updated-many-lines.json', {
      id: ['id', 820982911946154508n],
      first: ['line_items[0].id', 866550311766439020n],
      last: ['line_items[219].id', 866550311766439239n],
      title: ['line_items[219].title', 'C:\\temp\\path / slash'],
    }),
    sample('shopify/products-update.json', { id: ['id', 788032119674292900n], variants: ['images', []] }),
    sample('shopify/customers-create.json', {
      id: ['id', 706405506930370000n],
      city: ['default_address.city', 'Ottawa'],
    }),
    sample('shopify/inventory-levels-update.json', {
      item: ['inventory_item_id', 271878346596884000n],
      available: ['available', null],
    }),
    sample('shopify/app-uninstalled.json', {
      city: ['city', 'Houston'],
      format: ['money_format', '$' + '{{amount}}'],
    }),
    sample('shopify/refunds-create.json', {
      id: ['id', 890088186047892400n],
      order: ['order_id', 820982911946154500n],
    }),
  ),
  ...from(
    'woocommerce',
    sample('woocommerce/order-created.json', { id: ['id', 727], key: ['order_key', 'wc_order_58d2d042d1d'] }),
    sample('woocommerce/order-updated-php-escaped.json', { id: ['id', 738], currency: ['currency', 'EUR'] }),
    sample('woocommerce/product-updated.json', {
      id: ['id', 799],
      link: ['permalink', 'https://example.com/product/ship-your-idea-22/'],
    }),
    sample('woocommerce/customer-created.json', { id: ['id', 25], zip: ['billing.postcode', '94103'] }),
  ),
  ...from(
    'adobe-io-events',
    sample('magento/adobe-io-order-save-commit-after.json', {
      event: ['event_id', 'bdc6d818-d6d8-4e80-b78f-d8c47890ff40'],
      source: ['data.source', 'tenant_example.example'],
    }),
  ),
  sample(
    'magento/order-erp-iso-8859-1.xml',
    {
      no: ['sales_order.increment_id', '000000617'],
      name: ['sales_order.customer.firstname', 'Jürgen'],
      company: ['sales_order.customer.lastname', 'Groß & Söhne'],
      items: ['sales_order.items.item[].name', ['T-Shirt "Größe <XL>" & mehr', 'Café-Set € Sonderposten']],
      skus: ['sales_order.items.item[].sku', ['TSHIRT-001', '0012345']],
    },
    'application/xml; charset=ISO-8859-1',
  ),
  ...from(
    'retino',
    sample('retino/ticket-created.json', {
      code: ['ticket.code', '20210001'],
      rating: ['ticket.customer_rating', null],
    }),
    sample('retino/ticket-product-created.json', {
      amount: ['product.amount', '1.0000'],
      category: ['product.category', 'Rakety'],
    }),
    sample('retino/ticket-shipping-created.json', { vendor: ['shipping.vendor_id', 'PPL'] }),
    sample('retino/ticket-refund-created.json', { amount: ['refund.amount', '990000000.0000'] }),
  ),
  ...from(
    'shopctrl',
    sample('shopctrl/order-changed.json', { code: ['entityData.OrderCode', 'NL-2026-000123'] }),
    sample('shopctrl/parcel-status-changed.json', { tracking: ['entityData.TrackingCode', null] }),
  ),
  ...from(
    'openticket',
    sample('openticket/order-paid.json', {
      price: ['price', 5350],
      campaign: ['tracking_info.utm_campaign', 'été-2026'],
    }),
  ),
  sample('retrieve/order-created.json', {
    no: ['order.order_number', '#1001'],
    sku: ['order.items[0].sku', 'TSHIRT-001'],
  }),
  sample('retrieve/order-created.xml', {
    no: ['webhook.order.order_number', '#1001'],
    sku: ['webhook.order.items.item.sku', 'TSHIRT-001'],
  }),
  ...from(
    'stripe',
    sample('stripe/payment-intent-succeeded.json', {
      id: ['id', 'evt_3RTkpYQ8iJWBZFaM1G1JtOIT'],
      created: ['created', 1748441984],
    }),
    sample('stripe/customer-source-created-bom.json', { id: ['id', 'evt_17Y0a62eZvKYlo2CfDvB2QrJ'] }),
  ),
  ...from(
    'github',
    sample('github/pull-request-opened.json', {
      number: ['number', 2],
      locked: ['pull_request.locked', false],
    }),
  ),
  ...from(
    'standard-webhooks',
    sample('standard-webhooks/test-message.json', { test: ['test', 2432232314] }),
    sample('standard-webhooks/response-completed.json', { id: ['data.id', 'resp_123'] }),
  ),
  sample(
    'xml/cxml-order-request.xml',
    { id: [`${CUSTOMER}.@orderID`, 'DO1234'], total: [`${CUSTOMER}.Total.Money["#text"]`, '85.00'] },
    'text/xml',
  ),
  sample(
    'xml/soap-salesforce-outbound-message.xml',
    {
      first: [`${NOTIFICATION}[0].Id`, '04l37000000L0E5AAK'],
      city: [`${NOTIFICATION}[0].sObject["sf:City"]`, 'Redmond'],
    },
    'text/xml; charset=utf-8',
  ),
  sample(
    'xml/pagseguro-transaction.xml',
    { amount: ['transaction.grossAmount', '459.50'], code: ['transaction.paymentMethod.code', '202'] },
    'application/xml; charset=ISO-8859-1',
  ),
  sample('xml/ubl-invoice-trivial.xml', {
    id: ['Invoice["cbc:ID"]', '123'],
    currency: ['Invoice["cac:LegalMonetaryTotal"]["cbc:PayableAmount"].@currencyID', 'CAD'],
  }),
  sample(
    'xml/shipstation-orders-utf-16.xml',
    {
      id: ['Orders.Order.OrderID', '123456'],
      gift: ['Orders.Order.GiftMessage', ''],
      total: ['Orders.Order.OrderTotal', '123.45'],
    },
    'application/xml; charset=utf-16',
  ),
]

/** The shared samples that are no events. */
export const SHARED_HANDSHAKES: HandshakeSample[] = [
  { file: 'woocommerce/ping.form', contentType: FORM_TYPE, source: 'woocommerce', kind: 'ping' },
  { file: 'tilby/subscribed.json', contentType: JSON_TYPE, source: 'tilby', kind: 'subscribed' },
  { file: 'github/ping.json', contentType: JSON_TYPE, source: 'github', kind: 'ping', topic: 'ping' },
]
