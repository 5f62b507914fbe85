import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { sandboxProgram } from './program.ts'
import type { Sources } from './protocol.ts'

const require = createRequire(import.meta.url)
// Resolved here, as links (a linked `node_modules`) lead through folders that the process may not read.
const ADDON = require.resolve('isolated-vm')
const EXPRESSION_LANGUAGE = require.resolve('jsonata/jsonata.min.js')

/**
 * Starts a sandbox process, which waits for its sources: no environment, no descriptor but the channel and a pipe for its
 * dying words.
 */
export async function launchSandboxProcess(): Promise<{ child: ChildProcess; sources: Sources }> {
  const { main, sources } = await sandboxProgram(ADDON, EXPRESSION_LANGUAGE)
  return { child: spawnSandboxed(['-e', main]), sources }
}

/** What is called with these arguments of Node's has the rights of a sandbox process. */
export function spawnSandboxed(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...sandboxFlags(), ...args], {
    env: {},
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
}

/**
 * Node's permission model: the process may load the addon, and no more. It may not write, read anything else, spawn,
 * or start threads of Node's.
 */
export function sandboxFlags(): string[] {
  const addon = packageFolder(require, 'isolated-vm')
  const addonLoader = packageFolder(createRequire(ADDON), 'node-gyp-build')
  const readable = [
    join(addon, '/'),
    join(addonLoader, '/'),
    // By this file the addon's loader tells which C library it is to be linked with.
    '/etc/alpine-release',
  ]
  return [
    // The addon cannot make isolates in a process that was itself started from a snapshot.
    '--no-node-snapshot',
    '--permission',
    '--allow-addons',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    '--disable-warning=PERM0001',
  ]
}

function packageFolder(from: NodeJS.Require, name: string): string {
  return dirname(from.resolve(`${name}/package.json`))
}
