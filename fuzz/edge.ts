/** Changed requests to a Sluice of their own, started as a newcomer starts it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { saveInput } from './found.ts'
import { createRandom } from './random.ts'
import { changedRequest, exchange, requestSeeds, wrongIn } from './requests.ts'

const LAUNCHER = path.join(import.meta.dirname, '../bin/sluice.js')
const AT_ONCE = 8
const ANSWER_MS_MAX = 30_000
const START_MS_MAX = 120_000

export interface EdgeOutcome {
  readonly requests: number
  /** What was wrong, and the file of the request; undefined when nothing was. */
  readonly broken?: { readonly kind: string; readonly file: string }
}

/** Sends until the time is over or something is wrong with an answer, the log or the process. */
export async function exploreEdge(
  seconds: number,
  seed: number,
  progress: (requests: number) => void,
): Promise<EdgeOutcome> {
  const home = mkdtempSync(path.join(tmpdir(), 'sluice-fuzz-'))
  const sluice = startSluice(home)
  let requests = 0
  try {
    const { port, integrationId } = await sluice.ready()
    const random = createRandom(seed)
    const seeds = requestSeeds([integrationId])
    const until = performance.now() + seconds * 1_000
    while (performance.now() < until) {
      const round = Array.from({ length: AT_ONCE }, () => changedRequest(seeds, random))
      const found = await Promise.all(round.map((request) => faultOf(port, request)))
      const at = found.findIndex((kind) => kind !== undefined)
      const kind = found[at] ?? sluice.fault()
      requests += round.length
      progress(requests)
      if (kind !== undefined)
        return {
          requests,
          broken: { kind, file: saveInput('edge', round[Math.max(at, 0)] ?? Buffer.alloc(0)) },
        }
    }
    return { requests }
  } finally {
    await sluice.stop()
    rmSync(home, { recursive: true, force: true })
  }
}

function faultOf(port: number, request: Buffer): Promise<string | undefined> {
  return exchange(port, request, ANSWER_MS_MAX).then(wrongIn, (error) => String(error))
}

interface RunningSluice {
  ready(): Promise<{ port: number; integrationId: string }>
  /** What the process itself shows to be wrong. */
  fault(): string | undefined
  stop(): Promise<void>
}

function startSluice(home: string): RunningSluice {
  const child = spawn(process.execPath, [LAUNCHER, 'start'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      SLUICE_HOME: home,
      BODY_WAIT_MS: '1000',
      BASE_DOMAIN: 'example.com',
    },
  })
  const said = gather(child)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return {
    async ready() {
      const until = performance.now() + START_MS_MAX
      while (!said().includes('Stop with Ctrl-C')) {
        if (performance.now() > until || child.exitCode !== null)
          throw new Error(`Sluice does not start: ${said()}`)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      const facts = JSON.parse(readFileSync(path.join(home, 'dev.json'), 'utf8'))
      return { port: Number(new URL(facts.url).port), integrationId: facts.integrationId }
    },
    fault() {
      if (child.exitCode !== null || child.signalCode !== null)
        return `the process ended: ${said().slice(-2_000)}`
      return /^.*"level":(?:50|60).*$/m.exec(said())?.[0]
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** What it wrote lately, on both ways. */
function gather(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-200_000)
    })
  return () => text
}
