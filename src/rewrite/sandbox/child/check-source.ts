import type { Sources } from '../protocol.ts'
import { compileBody, fileNameOf, SourceError } from './compile.ts'
import { openWorkplace } from './isolates.ts'
import type { Answer } from './run-function.ts'
import { openScene } from './scene.ts'

const MEMORY_MB = 64
const PARSE_TIMEOUT_MS = 1_000

/** Parses a source without running it, in an isolate of its own, as it may be anyone's. */
export async function checkSource(
  sources: Sources,
  source: string,
  name: string,
  onLostControl: (message: string) => void,
): Promise<Answer> {
  const workplace = openWorkplace(sources, MEMORY_MB, onLostControl)
  try {
    const scene = openScene(workplace, false)
    await compileBody(workplace.isolate, source, fileNameOf(name), async (body) => {
      await scene.call('parseAlone', [body], PARSE_TIMEOUT_MS)
    })
    return { end: 'settled', message: '', rest: [] }
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    return { end: 'syntax', message: error.message, place: error.place, rest: [] }
  } finally {
    if (!workplace.isolate.isDisposed) workplace.isolate.dispose()
  }
}
