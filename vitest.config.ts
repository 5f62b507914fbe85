import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

// The one that the program has: what the setup loads is compiled for all workers, and for each start of a test.
const compiled = fileURLToPath(new URL('node_modules/.cache/sluice', import.meta.url))
enableCompileCache(compiled)
process.env.NODE_COMPILE_CACHE = compiled

export default defineConfig({
  test: {
    // Those of destinations need more servers: npm run test:destinations.
    exclude: [...configDefaults.exclude, 'test/destinations/**'],
    globalSetup: ['test/world/services.ts'],
    pool: 'forks',
    // Most files wait for servers and deadlines; by default a machine with two cores would run them one by one.
    maxWorkers: 4,
    // Files of one worker share what they import, which costs more than most of them do by themselves.
    isolate: false,
    // On Node's own loader, as the program runs.
    experimental: { viteModuleRunner: false },
    execArgv: ['--no-node-snapshot'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
