/// <reference path="./types.d.ts" />
// Shopify orders/create, orders/updated, orders/paid: one flat order for each order received.
//
// Ids can be bigints: they are passed on as they are, never through Number() or parseFloat().
// Amounts are texts with decimals ("70.00") and stay so: adding them up as floats loses cents.
const payload = jobData.job.data.data
const orders = Array.isArray(payload) ? payload : [payload]

const data = []
for (const order of orders) {
  if (order.test) {
    console.info(`order ${order.name} is a test order and is left out`)
    continue
  }
  data.push({
    order_id: order.id,
    order_number: order.name,
    placed_at: order.processed_at ?? order.created_at,
    currency: order.currency,
    total: order.total_price,
    shipping: order.total_shipping_price_set?.shop_money?.amount ?? '0.00',
    tax: order.total_tax,
    paid: order.financial_status === 'paid',
    customer: {
      id: order.customer?.id ?? null,
      email: order.email || order.contact_email || null,
      name: fullName(order.customer ?? order.billing_address),
    },
    ship_to: shipTo(order.shipping_address),
    lines: (order.line_items ?? []).map((line) => ({
      line_id: line.id,
      sku: line.sku || null,
      title: line.name,
      quantity: line.quantity,
      unit_price: line.price,
    })),
  })
}

return { jobStatus: 1, data, message: `${data.length} of ${orders.length} orders` }

function shipTo(address) {
  if (!address) return null
  return {
    name: address.name ?? fullName(address),
    company: address.company || null,
    street: [address.address1, address.address2].filter(Boolean),
    postcode: address.zip,
    city: address.city,
    region: address.province_code || null,
    country: address.country_code,
    phone: address.phone || null,
  }
}

function fullName(person) {
  return [person?.first_name, person?.last_name].filter(Boolean).join(' ') || null
}
