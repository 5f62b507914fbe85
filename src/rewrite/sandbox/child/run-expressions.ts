import type { Request } from '../protocol.ts'
import { attempt } from './attempt.ts'
import type { Workplaces } from './isolates.ts'
import { type Answer, TAKE_TIMEOUT_MS } from './run-function.ts'
import { openScene, type Scene } from './scene.ts'

export type ExpressionsRequest = Extract<Request, { kind: 'expressions' }> & {
  expressions: string
  input: string
}

/** Evaluates expressions in a fresh context under the same limits as a function. */
export async function runExpressions(workplaces: Workplaces, request: ExpressionsRequest): Promise<Answer> {
  const { limits } = request
  const workplace = workplaces.of(request.applicationId, limits.memoryMb)
  const scene = openScene(workplace, true)
  try {
    const run = await attempt(
      workplace.isolate,
      { timeoutMs: limits.wallMs, cpuMs: limits.cpuMs, fileName: 'expression' },
      (timeoutMs) =>
        scene.call(
          'startExpressions',
          [request.expressions, request.input, limits.outputBytesMax],
          timeoutMs,
        ),
    )
    if (run.end !== 'settled' && run.end !== 'fault') {
      workplaces.discard(workplace)
      return { end: run.end, message: run.message, rest: [] }
    }
    const taken = await take(scene)
    if (taken === undefined)
      return { end: run.end === 'fault' ? 'fault' : 'never_settled', message: run.message, rest: [] }
    return { end: 'settled', message: '', rest: [taken] }
  } finally {
    scene.close()
  }
}

function take(scene: Scene): Promise<string | undefined> {
  return scene.call('takeExpressions', [], TAKE_TIMEOUT_MS).catch(() => undefined)
}
