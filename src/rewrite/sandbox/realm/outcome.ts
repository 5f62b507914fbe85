import type { FailureReason, LogLine } from '../contract.ts'
import { cut, describeThrown } from './describe-error.ts'
import { isArray } from './primordials.ts'
import { printArguments } from './print.ts'
import { writeJson } from './write-json.ts'

/** What the realm tells the process around it: one line of JSON, and for a success the data behind it. */
export type RealmOutcome =
  | { settled: true; ok: true; message: string; hasData: boolean; log: LogLine[] }
  | { settled: true; ok: false; reason: FailureReason; message: string; log: LogLine[] }
  | { settled: false; log: LogLine[] }

export type Verdict =
  | { ok: true; message: string; data: string | undefined }
  | { ok: false; reason: FailureReason; message: string }

const MESSAGE_CHARS_MAX = 2_000

/** Judges what a function returned: only `jobStatus` 1 is success. */
export function judge(returned: unknown, outputCharsMax: number, fileName: string): Verdict {
  if (returned === undefined) return failure('no_return', 'the function returned nothing')
  if (typeof returned !== 'object' || returned === null || isArray(returned))
    return failure('bad_return', `the function returned ${kindOf(returned)} ${EXPECTED}`)
  try {
    const { jobStatus, message, data } = returned as {
      jobStatus?: unknown
      message?: unknown
      data?: unknown
    }
    if (jobStatus === undefined)
      return failure('bad_return', `the returned object has no jobStatus ${EXPECTED}`)
    if (jobStatus !== 1)
      return failure(
        'said_no',
        messageText(message) ||
          `jobStatus was ${typeof jobStatus === 'string' ? JSON.stringify(cut(jobStatus)) : shown(jobStatus)}, not 1`,
      )
    const written = writeJson(data, 'data', outputCharsMax, fileName)
    return written.ok
      ? { ok: true, message: messageText(message), data: written.text }
      : failure(written.reason, written.problem)
  } catch (thrown) {
    return failure('bad_return', `reading the result failed: ${describeThrown(thrown, fileName)}`)
  }
}

export function failure(reason: FailureReason, message: string): Verdict {
  return { ok: false, reason, message }
}

const EXPECTED = 'where { jobStatus, data, message } is expected'

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return isArray(value) ? 'an array' : `a ${typeof value}`
}

function messageText(message: unknown): string {
  if (message === undefined || message === null) return ''
  return cut(shown(message))
}

function shown(value: unknown): string {
  return printArguments([value], MESSAGE_CHARS_MAX)
}
