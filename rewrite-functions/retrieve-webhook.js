// Rewrite function for webhook-triggered integration
let job = jobData.job;
let webhookPayload = job.data.data;
// Webhook might send single object or array
// Ensure we always work with array
let orders = Array.isArray(webhookPayload) ? webhookPayload : [webhookPayload];
// Process webhook data
let processedOrders = orders.map(order => {
// Validate webhook data
if (!order.id || !order.email) {
console.log(`Invalid order data: ${JSON.stringify(order)}`);
return null;
}
return {
order_id: order.id,
order_number: order.order_number,
customer_email: order.email,
total: parseFloat(order.total_price),
currency: order.currency || 'USD',
// Add webhook metadata
webhook_received_at: new Date().toISOString(),
source: 'webhook'
};
}).filter(order => order !== null); // Remove invalid orders
return {
jobStatus: 1,
data: processedOrders,
message: `Processed ${processedOrders.length} orders from webhook`
};
