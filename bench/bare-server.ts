/** The baseline: a bare Hono handler that parses the same JSON and answers the same bytes. */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const app = new Hono()
app.post('/integration/:id', async (context) => {
  await context.req.json()
  return context.json({ result: true, error: '' })
})
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  process.send?.({ port })
})
