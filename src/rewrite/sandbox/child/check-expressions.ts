import type { FunctionLimits } from '../contract.ts'
import type { Sources } from '../protocol.ts'
import { attempt } from './attempt.ts'
import { openWorkplace } from './isolates.ts'
import type { Answer } from './run-function.ts'
import { openScene } from './scene.ts'

/** Parses expressions without evaluating them, in an isolate of their own, as they may be anyone's. */
export async function checkExpressions(
  sources: Sources,
  expressions: string,
  limits: FunctionLimits,
  onLostControl: (message: string) => void,
): Promise<Answer> {
  const workplace = openWorkplace(sources, limits.memoryMb, onLostControl)
  try {
    const scene = openScene(workplace, true)
    let outcomes: string | undefined
    const { end, message } = await attempt(
      workplace.isolate,
      { timeoutMs: limits.wallMs, cpuMs: limits.cpuMs, fileName: 'expression' },
      async (timeoutMs) => {
        outcomes = await scene.call('parseExpressions', [expressions], timeoutMs)
      },
    )
    return { end, message, rest: outcomes === undefined ? [] : [outcomes] }
  } finally {
    if (!workplace.isolate.isDisposed) workplace.isolate.dispose()
  }
}
