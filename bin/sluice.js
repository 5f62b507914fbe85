#!/usr/bin/env node
// Finds a Node that can run TypeScript and starts Sluice on it: this one, or the one that npm installed beside us.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NEEDED_MAJOR = 24
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
// Halves the time that a start takes to load. Beside the packages, because nobody else may write there; where we may
// not either, there is none.
const compiled = fileURLToPath(new URL('../node_modules/.cache/sluice', import.meta.url))

if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
  module.enableCompileCache(compiled)
  await import(main)
} else {
  const node = installedNode()
  if (node === undefined) {
    console.error(
      `sluice: this is Node ${process.versions.node}, and Node ${NEEDED_MAJOR} is needed; run npm ci to get it`,
    )
    process.exitCode = 1
  } else {
    runOn(node)
  }
}

function installedNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'))
    const binary = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(binary) ? binary : undefined
  } catch {
    return undefined
  }
}

function runOn(node) {
  const env = { ...process.env, NODE_COMPILE_CACHE: compiled }
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit', env })
  // What is sent to this process alone has to be passed on. A Ctrl-C reaches the child by itself as well, which takes
  // the two that come together for one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    if (signal) process.removeAllListeners(signal)
    if (signal) process.kill(process.pid, signal)
    else process.exitCode = code ?? 1
  })
}
