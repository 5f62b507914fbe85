import { type Json, stringifyExact } from '../../src/payload/exact-json.ts'
import {
  type AskOutside,
  createSandbox,
  type FunctionLimits,
  type FunctionOutcome,
  type Sandbox,
} from '../../src/rewrite/sandbox/sandbox.ts'

export const LIMITS: FunctionLimits = {
  memoryMb: 32,
  cpuMs: 400,
  // Nothing that is honest reaches it, however busy the machine is.
  wallMs: 20_000,
  outputBytesMax: 100_000,
  logLinesMax: 20,
  logBytesMax: 4_000,
}

/** Whether the system shows what a process is and has. */
export const IS_LINUX = process.platform === 'linux'
if (!IS_LINUX) console.warn('Not on Linux: what its system does about a sandbox process is not tested.')

export interface TestSandbox extends Sandbox {
  /** Runs a body on a payload; the exact JSON text of a payload may be given instead. */
  run(body: string, options?: RunOptions): Promise<FunctionOutcome>
  /** What the body returned as data; throws the failure when there was one. */
  data(body: string, options?: RunOptions): Promise<unknown>
}

export interface RunOptions {
  payload?: Json
  payloadText?: string
  applicationId?: string
  version?: string
  limits?: Partial<FunctionLimits>
  ask?: AskOutside
}

export function openSandbox(processes = 1): TestSandbox {
  const sandbox = createSandbox({ processes })
  const run: TestSandbox['run'] = (source, options = {}) => {
    const payload = options.payloadText ?? stringifyExact(options.payload ?? {})
    return sandbox.call({
      applicationId: options.applicationId ?? 'shop',
      version: options.version ?? source,
      source,
      name: 'my-function.js',
      jobData: `{"job":{"id":"job-1","source":{"name":"shopify","topic":"orders/create"},"data":{"data":${payload}}},"integration":{"id":"i-1"},"currentNode":{"name":"first"}}`,
      limits: { ...LIMITS, ...options.limits },
      ask: options.ask,
    })
  }
  return {
    ...sandbox,
    run,
    async data(body, options) {
      const outcome = await run(body, options)
      if (!outcome.ok) throw new Error(`${outcome.reason}: ${outcome.message}`)
      return outcome.data === undefined ? undefined : JSON.parse(outcome.data)
    },
  }
}

/** Asks again until the answer is true. */
export async function eventually(holds: () => boolean, withinMs = 10_000): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it did not come about in time')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
