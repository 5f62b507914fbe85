import postgres from 'postgres'
import { expect, test } from 'vitest'
import { startTestGateway } from '../world/gateway.ts'

test('a process takes no more connections to PostgreSQL than it may', async () => {
  const world = await startTestGateway({ env: { DATABASE_CONNECTIONS_MAX: '5' } })
  const sql = postgres(world.env.DATABASE_URL ?? '', { max: 1, onnotice: () => {} })
  try {
    await Promise.all(Array.from({ length: 60 }, () => world.api.call('GET', '/events')))
    const [open] = await sql<{ count: number }[]>`
      SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
    expect(open?.count).toBeGreaterThan(0)
    // One for what comes in, and one that hears of changes.
    expect(open?.count).toBeLessThanOrEqual(5 + 2)
  } finally {
    await sql.end()
    await world.close()
  }
})
