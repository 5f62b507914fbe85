/// <reference path="./types.d.ts" />
// WooCommerce order.created and order.updated: one flat order for each order received.
//
// Dates come without a zone; the *_gmt fields are UTC and get the Z that they lack.
const payload = jobData.job.data.data
const orders = Array.isArray(payload) ? payload : [payload]

const data = []
for (const order of orders) {
  if (order.status === 'checkout-draft' || order.status === 'trash') {
    console.info(`order ${order.number} is ${order.status} and is left out`)
    continue
  }
  data.push({
    order_id: order.id,
    order_number: order.number,
    placed_at: utc(order.date_created_gmt),
    currency: order.currency,
    total: order.total,
    shipping: order.shipping_total,
    tax: order.total_tax,
    paid: Boolean(order.date_paid_gmt),
    customer: {
      // 0 is WooCommerce's word for a guest.
      id: order.customer_id || null,
      email: order.billing?.email || null,
      name: fullName(order.billing),
    },
    ship_to: shipTo(order),
    lines: (order.line_items ?? []).map((line) => ({
      line_id: line.id,
      sku: line.sku || null,
      title: line.name,
      quantity: line.quantity,
      unit_price: String(line.price),
      options: Object.fromEntries((line.meta_data ?? []).map((meta) => [meta.key, meta.value])),
    })),
  })
}

return { jobStatus: 1, data, message: `${data.length} of ${orders.length} orders` }

// An order without a shipping address is sent where the bill goes.
function shipTo(order) {
  const address = order.shipping?.address_1 ? order.shipping : order.billing
  if (!address?.address_1) return null
  return {
    name: fullName(address),
    company: address.company || null,
    street: [address.address_1, address.address_2].filter(Boolean),
    postcode: address.postcode,
    city: address.city,
    region: address.state || null,
    country: address.country,
    phone: address.phone || order.billing?.phone || null,
  }
}

function fullName(person) {
  return [person?.first_name, person?.last_name].filter(Boolean).join(' ') || null
}

function utc(date) {
  return date ? `${date}Z` : null
}
