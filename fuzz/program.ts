/**
 * `npm run fuzz -- [--target json,xml] [--seconds S] [--seed N]`: looks for inputs that break a promise, one target
 * after the other, S seconds each, and ends with 1 if it found one. What was found lies in fuzz/found.
 */
import { fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { exploreEdge } from './edge.ts'
import type { Exploration } from './explore.ts'
import type { BrokenPromise, ExplorerOrder, ExplorerSays } from './explorer.ts'
import { saveInput } from './found.ts'
import { TARGETS } from './targets.ts'

/** No input takes nearly as long, on any machine. */
const SILENT_MS_MAX = 60_000
const HEAP_MB_MAX = 1_024

const HELP = `npm run fuzz -- [--target json,xml] [--seconds S] [--seed N]

  --target   only these; without it all, one after the other (fuzz/README.md says what they read)
  --seconds  of search for each target (60)
  --seed     the same inputs again, as far as the machine is the same

It ends with 1 if an input broke a promise; the input is then in fuzz/found.`

const { values } = readOptions()
if (values.help) {
  console.log(HELP)
  process.exit(0)
}
const wanted = values.target?.split(',')
/** A running gateway is another kind of target: it has no coverage to go by, and says itself when it is not well. */
const EDGE = 'edge'
const names = [...TARGETS.map(({ name }) => name), EDGE]
const unknown = wanted?.find((name) => !names.includes(name))
if (unknown !== undefined) {
  console.error(`there is no target ${unknown}; there are ${names.join(', ')}`)
  process.exit(2)
}
const folder = mkdtempSync(path.join(tmpdir(), 'sluice-fuzz-'))
let found = 0
try {
  for (const name of names.filter((one) => wanted?.includes(one) ?? true)) {
    const broken = await (name === EDGE ? exploreRunning() : exploreParser(name))
    if (!broken) continue
    found += 1
    console.log(`  BROKEN ${broken.kind}: ${broken.file}\n${broken.told.replace(/^/gm, '    ')}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`found ${found}, seed ${values.seed}`)
process.exitCode = found > 0 ? 1 : 0

function readOptions() {
  try {
    return parseArgs({
      options: {
        target: { type: 'string' },
        seconds: { type: 'string', default: '60' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    console.error(`fuzz: ${(error as Error).message} (--help shows what there is)`)
    process.exit(2)
  }
}

function exploreParser(name: string): Promise<BrokenPromise | undefined> {
  return exploreApart({
    target: name,
    seconds: Number(values.seconds),
    seed: Number(values.seed),
    tryingFile: path.join(folder, 'trying'),
  })
}

async function exploreRunning(): Promise<BrokenPromise | undefined> {
  const tell = (requests: number) => void process.stdout.write(`\r${EDGE.padEnd(18)}${requests} requests`)
  const { requests, broken } = await exploreEdge(Number(values.seconds), Number(values.seed), (soFar) => {
    if (process.stdout.isTTY) tell(soFar)
  })
  tell(requests)
  process.stdout.write('\n')
  return broken && { ...broken, told: '' }
}

function exploreApart(order: ExplorerOrder): Promise<BrokenPromise | undefined> {
  const child = fork(path.join(import.meta.dirname, 'explorer.ts'), {
    execArgv: [`--max-old-space-size=${HEAP_MB_MAX}`, '--no-warnings'],
  })
  child.send(order)
  return new Promise((resolve) => {
    let broken: BrokenPromise | undefined
    let last: Exploration | undefined
    let isDone = false
    let isSilent = false
    const silence = setTimeout(() => {
      isSilent = true
      child.kill('SIGKILL')
    }, SILENT_MS_MAX)
    child.on('message', (said: ExplorerSays) => {
      silence.refresh()
      last = 'done' in said ? said.done : said.soFar
      if ('broken' in said) broken = said.broken
      isDone = 'done' in said || 'broken' in said
      if (process.stdout.isTTY || isDone) process.stdout.write(line(order.target, last))
    })
    child.on('exit', (code, signal) => {
      clearTimeout(silence)
      process.stdout.write('\n')
      if (isDone) return resolve(broken)
      const kind = isSilent
        ? `took longer than ${SILENT_MS_MAX / 1_000} s`
        : `ended the process (${signal ?? code})`
      resolve({ kind, told: '', file: saveInput(order.target, tried(order.tryingFile)) })
    })
  })
}

function line(target: string, { inputs, kept, reached, pumps, slowest }: Exploration): string {
  const numbers = `${inputs} inputs, ${kept} kept, ${reached} characters of code, ${pumps} pumps`
  return `\r${target.padEnd(18)}${numbers}, ${slowest.cost.toFixed(0)} times JSON.parse at most, with ${JSON.stringify(slowest.piece.slice(0, 30))}`
}

function tried(file: string): Buffer {
  const written = readFileSync(file)
  return written.subarray(16, 16 + Number(written.toString('latin1', 0, 16)))
}
