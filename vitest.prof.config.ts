import { configDefaults, defineConfig } from 'vitest/config'

/** What computes and needs no server of the suite: these files share their imports, which cost more than the tests. */
const PURE = [
  'test/fuzz/**/*.test.ts',
  'test/payload/**/*.test.ts',
  'test/sources/**/*.test.ts',
  'test/http-request/**/*.test.ts',
  'test/rewrite/mapping-*.test.ts',
  'test/simulator/{known-requests,official-libraries,presets,requests}.test.ts',
]

export default defineConfig({
  test: {
    pool: 'forks',
    // Most files wait for servers and deadlines; by default a machine with two cores would run them one by one.
    maxWorkers: 4,
    execArgv: ['--no-node-snapshot', '--cpu-prof', '--cpu-prof-dir=/tmp/prof'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'pure', include: PURE, isolate: false } },
      {
        extends: true,
        test: {
          name: 'services',
          isolate: false,
          include: ['test/**/*.test.ts'],
          // Those of destinations need more servers: npm run test:destinations.
          exclude: [...configDefaults.exclude, ...PURE, 'test/destinations/**'],
          globalSetup: ['test/world/services.ts'],
        },
      },
    ],
  },
})
