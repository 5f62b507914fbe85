import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { parseExact } from '../../src/payload/exact-json.ts'
import { compileMapping } from '../../src/rewrite/mapping/compile.ts'
import type { Mapping } from '../../src/rewrite/mapping/rule.ts'
import { eventually } from '../world/eventually.ts'
import { copyCluster } from '../world/made-cluster.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const README = readFileSync(path.join(ROOT, 'README.md'), 'utf8')
const folder = mkdtempSync(path.join(tmpdir(), 'sluice readme '))
let sluice: ChildProcessByStdio<null, Readable, null>

beforeAll(async () => {
  const home = path.join(folder, '.sluice')
  await copyCluster(inject('madeHome'), home)
  sluice = spawn(process.execPath, [path.join(ROOT, 'bin/sluice.js')], {
    env: { PATH: process.env.PATH, SLUICE_HOME: home, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const told = Promise.withResolvers<void>()
  sluice.stdout.on('data', (chunk: Buffer) => {
    if (chunk.includes('Sluice is running')) told.resolve()
  })
  sluice.once('exit', (code) => told.reject(new Error(`sluice ended with ${code}`)))
  await told.promise
})

afterAll(async () => {
  const gone = new Promise((resolve) => sluice.once('exit', resolve))
  sluice.kill('SIGTERM')
  await gone
  await rm(folder, { recursive: true })
})

test('the commands for the first minute do what the README shows', async () => {
  const answer = await run('send')
  expect(answer).toBe('{"result":true,"error":""}')
  const shown = jsonAfter('<!-- runs: received -->')
  const received = await eventually(async () => {
    const items = JSON.parse(await run('received'))
    expect(items).toHaveLength(1)
    return items
  })
  expect(received[0].body).toEqual(shown)
  await eventually(async () => expect(JSON.parse(await run('inspect')).state).toBe('delivered'))
  expect(block('xml')).toContain('.webhookUrl")/xml"')
  expect(await run('xml')).toBe('{"result":true,"error":""}')
  const { ship_to, ...withoutAddress } = shown as { ship_to: object }
  expect(ship_to).toBeDefined()
  await eventually(async () => expect(JSON.parse(await run('received'))[1]?.body).toEqual(withoutAddress))
})

test('the commands for the builder make what they say', async () => {
  // The blocks share variables, as one shell session would.
  const id = (await shell(`${block('inspect')} > /dev/null\n${block('build')}`)).trim()
  expect(id).toMatch(/^[0-9a-f]{24}$/)
})

test('the example of a mapping is one', () => {
  const example = jsonAfter('### Field mapping')
  expect(() => compileMapping(example as Mapping)).not.toThrow()
})

function run(name: string): Promise<string> {
  return shell(block(name))
}

function block(name: string): string {
  const found = new RegExp(`<!-- runs: ${name} -->\n\`\`\`sh\n([\\s\\S]*?)\n\`\`\``).exec(README)?.[1]
  if (found === undefined) throw new Error(`README.md has no block ${name}`)
  return found
}

function jsonAfter(mark: string): unknown {
  const text = /```json\n([\s\S]*?)\n```/.exec(README.slice(README.indexOf(mark)))?.[1] ?? ''
  return parseExact(text)
}

async function shell(script: string): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-e', '-c', script.replaceAll('curl ', 'curl -s ')], {
    cwd: folder,
    encoding: 'utf8',
  })
  return stdout
}
