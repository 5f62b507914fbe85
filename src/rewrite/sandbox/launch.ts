import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Starts a sandbox process: no environment, no descriptor but the channel and a pipe for its dying words, and
 * Node's permission model. It may read its own program and the addon; not write, spawn, or start threads of Node's.
 */
export function launchSandboxProcess(): ChildProcess {
  const here = dirname(fileURLToPath(import.meta.url))
  const require = createRequire(import.meta.url)
  const addon = packageFolder(require, 'isolated-vm')
  const addonLoader = packageFolder(createRequire(join(addon, 'package.json')), 'node-gyp-build')
  const expressionLanguage = require.resolve('jsonata/jsonata.min.js')
  const readable = [
    join(here, '/'),
    join(here, '../../payload/exact-json.ts'),
    join(here, '../../payload/path.ts'),
    join(addon, '/'),
    join(addonLoader, '/'),
    expressionLanguage,
    // By this file the addon's loader tells which C library it is to be linked with.
    '/etc/alpine-release',
  ]
  const flags = [
    // The addon cannot make isolates from a process that was itself started from a snapshot.
    '--no-node-snapshot',
    '--permission',
    '--allow-addons',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    '--disable-warning=PERM0001',
    '--disable-warning=ExperimentalWarning',
  ]
  return spawn(process.execPath, [...flags, join(here, 'child/main.ts'), expressionLanguage], {
    env: {},
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
}

function packageFolder(require: NodeJS.Require, name: string): string {
  return dirname(require.resolve(`${name}/package.json`))
}
