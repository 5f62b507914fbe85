import { describeThrown } from './describe-error.ts'
import { type AskHost, type Fetches, installFetchUrl } from './fetch-url.ts'
import { createLog, installConsole, type Log } from './log.ts'
import { failure, judge, type Verdict } from './outcome.ts'
import { defineProperty } from './primordials.ts'
import { queueManager } from './queue-manager.ts'
import { readJson } from './read-json.ts'

export interface FunctionSettings {
  fileName: string
  outputCharsMax: number
  logLinesMax: number
  logBytesMax: number
}

export interface FunctionRun {
  readonly settings: FunctionSettings
  readonly log: Log
  /** There once the function has settled. */
  verdict: Verdict | undefined
}

type Body = () => Promise<unknown>

export function openRun(settings: FunctionSettings): FunctionRun {
  return { settings, log: createLog(settings.logLinesMax, settings.logBytesMax), verdict: undefined }
}

/**
 * Starts the function; to settle it needs nothing but the microtasks, as a question to the host is answered while this
 * thread stands still. It may be stopped before this returns.
 */
export function startRun(run: FunctionRun, body: Body, jobDataText: string, ask?: AskHost): void {
  const { fileName, outputCharsMax } = run.settings
  installConsole(run.log)
  const fetches = installFetchUrl(ask, fileName, outputCharsMax)
  try {
    giveJobData(jobDataText, run.log)
  } catch (thrown) {
    const problem = describeThrown(thrown, fileName)
    run.verdict = failure('threw', `the event could not be read: ${problem}`)
    return
  }
  void settle(body, run, fetches)
}

/**
 * The names are properties of the global object, an outer scope of the function: they can be read bare, and
 * declared anew inside it.
 */
function giveJobData(text: string, log: Log): void {
  const read = readJson(text, (digits) => digits)
  const jobData = read.value as Record<string, unknown>
  if (read.unheldCount > 0) log.write('note', [unheldNote(read.unheld, read.unheldCount)])
  const names: Record<string, unknown> = {
    jobData,
    job: jobData.job,
    integration: jobData.integration,
    currentNode: jobData.currentNode,
    queueManager,
  }
  for (const name of Object.keys(names))
    defineProperty(globalThis, name, {
      value: names[name],
      writable: true,
      enumerable: true,
      configurable: true,
    })
  // Not enumerable, so that `JSON.stringify(jobData)` and `{ ...jobData }` are no uses of it.
  defineProperty(jobData, 'queueManager', { value: queueManager, writable: true, configurable: true })
}

function unheldNote(paths: readonly string[], count: number): string {
  const named = paths.map((path) => path.replace(/^job\.data\.data\.?/, '') || 'the payload').join(', ')
  const more = count > paths.length ? ` and ${count - paths.length} more` : ''
  return `numbers that a JavaScript number cannot hold are given as strings with their digits: ${named}${more}`
}

async function settle(body: Body, run: FunctionRun, fetches: Fetches): Promise<void> {
  const { fileName, outputCharsMax } = run.settings
  try {
    run.verdict = judge(await body(), outputCharsMax, fileName)
  } catch (thrown) {
    const reason = fetches.mayPass(thrown) ? 'call_failed' : 'threw'
    run.verdict = failure(reason, describeThrown(thrown, fileName))
  }
}
