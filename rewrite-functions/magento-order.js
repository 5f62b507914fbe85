/// <reference path="./types.d.ts" />
// Magento 2 and Adobe Commerce orders: one flat order for each order received. Reads the order as a webhook module
// posts it, and the envelope in which Adobe I/O Events delivers it ({ "data": { "value": { … } } }).
//
// Magento writes the same number now as 33 and now as "33", so ids and amounts are passed on as texts.
const payload = jobData.job.data.data
const received = Array.isArray(payload) ? payload : [payload]

const data = []
for (const item of received) {
  const order = item.data?.value ?? item.order ?? item
  if (!order.increment_id) {
    console.warn('left out, as it has no increment_id:', item)
    continue
  }
  data.push({
    order_id: text(order.entity_id ?? order.items?.[0]?.order_id),
    order_number: order.increment_id,
    placed_at: utc(order.created_at),
    currency: order.order_currency_code,
    total: text(order.grand_total),
    shipping: text(order.shipping_amount),
    tax: text(order.tax_amount),
    paid: order.state === 'processing' || order.state === 'complete',
    customer: {
      id: text(order.customer_id),
      email: order.customer_email ?? null,
      name: fullName(order.customer_firstname, order.customer_lastname),
    },
    ship_to: shipTo(order),
    lines: soldItems(order).map((line) => ({
      line_id: text(line.item_id),
      sku: line.sku,
      title: line.name,
      quantity: Number(line.qty_ordered),
      unit_price: text(line.price),
    })),
  })
}

return { jobStatus: 1, data, message: `${data.length} of ${received.length} orders` }

// A configurable product stands twice in the list: the simple product inside it repeats it without a price.
function soldItems(order) {
  return (order.items ?? []).filter((line) => !line.parent_item_id)
}

function shipTo(order) {
  const addresses = order.addresses ?? []
  const address =
    addresses.find((one) => one.address_type === 'shipping') ??
    order.extension_attributes?.shipping_assignments?.[0]?.shipping?.address ??
    order.billing_address ??
    addresses[0]
  if (!address) return null
  return {
    name: fullName(address.firstname, address.lastname),
    company: address.company || null,
    street: Array.isArray(address.street) ? address.street : String(address.street ?? '').split('\n'),
    postcode: address.postcode,
    city: address.city,
    region: address.region ?? null,
    country: address.country_id,
    phone: address.telephone || null,
  }
}

function fullName(first, last) {
  return [first, last].filter(Boolean).join(' ') || null
}

function text(value) {
  return value === undefined || value === null ? null : String(value)
}

function utc(date) {
  return date ? `${date.replace(' ', 'T')}Z` : null
}
