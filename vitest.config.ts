import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They need more servers: npm run test:destinations.
    exclude: [...configDefaults.exclude, 'test/destinations/**'],
    globalSetup: ['test/world/services.ts'],
    pool: 'forks',
    // Most files wait for servers and deadlines; by default a machine with two cores would run them one by one.
    maxWorkers: 3,
    execArgv: ['--no-node-snapshot'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
