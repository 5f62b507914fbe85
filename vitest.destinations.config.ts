import { defineConfig } from 'vitest/config'

/** Destinations whose servers not every machine has, each against the real one. */
export default defineConfig({
  test: {
    include: ['test/destinations/**/*.test.ts'],
    globalSetup: ['test/destinations/services.ts'],
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--no-node-snapshot'],
    // A RabbitMQ takes ten seconds to start where nothing else runs.
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
})
