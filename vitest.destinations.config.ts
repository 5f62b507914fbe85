import { defineConfig } from 'vitest/config'

/** Destinations whose servers not every machine has, each against the real one. */
export default defineConfig({
  test: {
    include: ['test/destinations/**/*.test.ts'],
    globalSetup: ['test/destinations/services.ts'],
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--no-node-snapshot'],
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
})
