import { expect, test } from 'vitest'
import { createAdmin } from '../../src/admin/admin.ts'

test('every address that the API serves is in its document', async () => {
  // Only the routes are looked at: no request is made, so nothing behind them is asked for.
  const admin = createAdmin({ healthOnly: false } as Parameters<typeof createAdmin>[0])
  const document = (await (await admin.request('/api/v1/openapi.json')).json()) as {
    paths: Record<string, Record<string, unknown>>
  }
  const served = admin.routes
    .filter(
      ({ method, path }) => method !== 'ALL' && path.startsWith('/api/v1/') && !path.endsWith('openapi.json'),
    )
    .map(
      ({ method, path }) =>
        `${method.toLowerCase()} ${path.replace('/api/v1', '').replace(/:(\w+)/g, '{$1}')}`,
    )
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  )
  expect([...new Set(served)].toSorted()).toEqual(described.toSorted())
})

test('a worker serves its health and its metrics and nothing else', () => {
  const admin = createAdmin({ healthOnly: true } as Parameters<typeof createAdmin>[0])
  const served = admin.routes.filter(({ method }) => method !== 'ALL')
  expect([...new Set(served.map(({ path }) => path))]).toEqual(['/health/live', '/health/ready', '/metrics'])
})
