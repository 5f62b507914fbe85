import { enableCompileCache } from 'node:module'
import path from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'
import { MixingSequencer } from './test/world/mixing-sequencer.ts'

// Where the program keeps it too: what one process has compiled, the others only load. Workers hear of it by their
// environment.
process.env.NODE_COMPILE_CACHE ??= path.join(import.meta.dirname, 'node_modules/.cache/sluice')
enableCompileCache(process.env.NODE_COMPILE_CACHE)

export default defineConfig({
  test: {
    // Those of destinations need more servers: npm run test:destinations.
    exclude: [...configDefaults.exclude, 'test/destinations/**'],
    globalSetup: ['test/world/services.ts'],
    sequence: { sequencer: MixingSequencer },
    pool: 'forks',
    // Most files wait for servers and deadlines; by default a machine with two cores would run them one by one.
    maxWorkers: 5,
    // Files of one worker share what they import, which costs more than most of them do by themselves.
    isolate: false,
    // On Node's own loader, as the program runs.
    experimental: { viteModuleRunner: false },
    execArgv: ['--no-node-snapshot'],
    // Whatever is waited for may come late on a busy machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000 } },
  },
})
