import type { FunctionLimits } from '../contract.ts'
import type { End, Place, Request } from '../protocol.ts'
import type { FunctionSettings } from '../realm/run-function.ts'
import { attempt } from './attempt.ts'
import { compileBody, fileNameOf, SourceError } from './compile.ts'
import type { Workplace, Workplaces } from './isolates.ts'
import type { Outside } from './outside.ts'
import { openScene, type Scene } from './scene.ts'

export interface Answer {
  end: End
  message: string
  place?: Place | undefined
  unhandled?: string
  rest: string[]
}

export type FunctionRequest = Extract<Request, { kind: 'function' }> & { source: string; jobData: string }

/** For asking a realm for what it has gathered; it has that ready. */
export const TAKE_TIMEOUT_MS = 1_000
/** For parsing a source of the largest size on a busy machine. */
const PARSE_TIMEOUT_MS = 1_000
/** A timer that fires at the processor limit has seen at least this share of it used by a loop without pause. */
const CPU_SHARE_OF_TIMEOUT = 0.9

/**
 * Runs one function in a fresh context.
 *
 * A timer inside the isolate is the kind way to stop code: its log and its line survive. But it knows only the
 * clock, so it is first set to the processor limit; where a busy machine made it fire too early, the call is simply
 * repeated (nothing outside has seen it) with the rest of the clock time and a watch on the processor time. One that
 * may ask the world outside is never repeated, and has that watch from the beginning.
 */
export async function runFunction(
  workplaces: Workplaces,
  outside: Outside,
  request: FunctionRequest,
): Promise<Answer> {
  const { cpuMs, wallMs } = request.limits
  if (request.asks) return runOnce(workplaces, request, wallMs, cpuMs, outside)
  const startedAt = performance.now()
  const first = await runOnce(workplaces, request, Math.min(cpuMs, wallMs), wallMs)
  if (first.end !== 'out_of_time' || cpuMs >= wallMs) return first
  if (first.cpuMs >= cpuMs * CPU_SHARE_OF_TIMEOUT) return { ...first, end: 'out_of_cpu' }
  const leftMs = wallMs - (performance.now() - startedAt)
  if (leftMs < 1) return first
  const second = await runOnce(workplaces, request, leftMs, cpuMs)
  // The watch has thrown the isolate away with its log; the first try was stopped on the same road.
  return second.end === 'out_of_cpu' ? { ...first, end: 'out_of_cpu' } : second
}

async function runOnce(
  workplaces: Workplaces,
  request: FunctionRequest,
  timeoutMs: number,
  cpuMs: number,
  outside?: Outside,
): Promise<Answer & { cpuMs: number }> {
  const workplace = workplaces.of(request.applicationId, request.limits.memoryMb)
  const scene = openScene(workplace, false)
  const fileName = fileNameOf(request.name)
  try {
    const script = await compiled(workplace, scene, request, fileName)
    const settings = settingsOf(fileName, request.limits)
    const body = scene.valueOf(script)
    const handle = outside ? [scene.handleFor(outside.ask)] : []
    const run = await attempt(workplace.isolate, { timeoutMs, cpuMs, fileName }, (timeout) =>
      scene.call('startFunction', [body, request.jobData, JSON.stringify(settings), ...handle], timeout),
    )
    const taken = workplace.isolate.isDisposed ? undefined : await take(scene)
    if (run.end !== 'settled' && run.end !== 'fault') workplaces.discard(workplace)
    return { ...answerOf(run.end, run.message, taken, request.limits), cpuMs: run.cpuMs }
  } catch (error) {
    if (error instanceof SourceError)
      return { end: 'syntax', message: error.message, place: error.place, rest: [], cpuMs: 0 }
    throw error
  } finally {
    scene.close()
  }
}

function compiled(workplace: Workplace, scene: Scene, request: FunctionRequest, fileName: string) {
  return workplace.script(`${request.version} ${fileName}`, () =>
    compileBody(workplace.isolate, request.source, fileName, async (body) => {
      await scene.call('parseAlone', [body], PARSE_TIMEOUT_MS)
    }),
  )
}

function settingsOf(fileName: string, limits: FunctionLimits): FunctionSettings {
  const { outputBytesMax, logLinesMax, logBytesMax } = limits
  // A character is at least one byte; the bytes are counted when the text has left the isolate.
  return { fileName, outputCharsMax: outputBytesMax, logLinesMax, logBytesMax }
}

async function take(scene: Scene): Promise<string | undefined> {
  try {
    return await scene.call('takeFunction', [], TAKE_TIMEOUT_MS)
  } catch {
    // A function that broke the language until the realm could no longer speak has no answer.
    return undefined
  }
}

/** The realm's text is a line of JSON, then the data. */
function answerOf(end: End, message: string, taken: string | undefined, limits: FunctionLimits): Answer {
  if (typeof taken !== 'string') return { end: end === 'settled' ? 'unreadable' : end, message, rest: [] }
  const headEnd = taken.indexOf('\n')
  const head = taken.slice(0, headEnd)
  const data = taken.slice(headEnd + 1)
  if (end !== 'settled' && end !== 'fault') return { end, message, rest: [head] }
  // After a fault the realm may have settled all the same: then it was a rejection that nobody handled.
  const unhandled = end === 'fault' ? { unhandled: message } : {}
  if (Buffer.byteLength(data) > limits.outputBytesMax)
    return { end: 'output_too_large', message: '', ...unhandled, rest: [head] }
  const isSettled = head.startsWith('{"settled":true')
  return { end: isSettled ? 'settled' : 'never_settled', message: '', ...unhandled, rest: [head, data] }
}
