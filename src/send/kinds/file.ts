import type { ConfigOf } from '../../integrations/integrations.ts'
import { stringifyExact } from '../../payload/exact-json.ts'
import type { Verdict } from '../verdict.ts'
import { appendLines, type FilePlace, type Line, lineStart } from './file-lines.ts'
import { fileNameOf } from './file-name.ts'
import { Failed, type Kind, type Link } from './kind.ts'

type Config = ConfigOf<'file'>

interface Parcel {
  segments: string[]
  line: Line
}

interface Waiting {
  line: Line
  done(written: boolean): void
  failed(error: unknown): void
}

/** More lines than this wait for the next turn. */
const LINES_MAX = 1_000

/**
 * Lines of files below a folder, one for each delivery, on the disk before they count as delivered.
 *
 * @param root the folder of the operator; empty refuses every delivery
 */
export function fileKind(root: string): Kind<Config, Parcel, Link> {
  const files = new Map<string, Waiting[]>()

  return {
    address: ({ name }) => ({ method: 'APPEND', url: `file:${name}` }),
    secrets: () => [],
    pack(config, item, { deliveryId, attempt, isTest }) {
      const name = fileNameOf(config.name, item, config.unknownFields)
      if (!name.ok) return name
      const mark = isTest ? ',"test":true' : ''
      const text = Buffer.from(`${lineStart(deliveryId)}${mark},"item":${stringifyExact(item)}}\n`)
      const shown = {
        url: `file:${name.segments.join('/')}`,
        headers: [
          ['bytes', String(text.length)],
          ['delivery', deliveryId],
        ] as [string, string][],
      }
      const line = { deliveryId, text, mayBeThere: attempt > 1 }
      return { ok: true, parcel: { segments: name.segments, line }, shown }
    },
    async open() {
      if (root !== '') return { isAlive: () => false, cut: () => {} }
      const advice = 'set FILES_DIR to the folder below which they may be'
      throw new Failed('dead', 'not_allowed', `this Sluice writes no files: ${advice}`)
    },
    async deliver(_link, { segments, line }, { bytesMax, filesMax }) {
      const written = await enqueue({ root, segments, bytesMax, filesMax }, line)
      return written ? `${line.text.length} bytes written` : 'delivered before: nothing was written'
    },
    judge,
  }

  /** Deliveries to the same file share their turn, and so one wait for the disk. */
  function enqueue(place: FilePlace, line: Line): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    const key = place.segments.join('/')
    const underWay = files.get(key)
    const waiting = underWay ?? []
    waiting.push({ line, done: resolve, failed: reject })
    if (!underWay) {
      files.set(key, waiting)
      void drain(key, place, waiting)
    }
    return promise
  }

  async function drain(key: string, place: FilePlace, waiting: Waiting[]): Promise<void> {
    while (waiting.length > 0) {
      const turn = waiting.splice(0, LINES_MAX)
      try {
        const lines = turn.map(({ line }) => line)
        const written = await appendLines(place, lines)
        for (const [at, { done }] of turn.entries()) done(written[at] ?? false)
      } catch (error) {
        for (const { failed } of turn) failed(error)
      }
    }
    files.delete(key)
  }
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EAGAIN'])
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS'])

/** Source: the manual of Linux, errno(3). */
function judge(error: unknown): Verdict | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (FULL.has(code))
    return {
      verdict: 'retry',
      reason: 'busy',
      message: `${code}: the disk is full, or too many files are open`,
    }
  if (FORBIDDEN.has(code)) {
    const message = `${code}: Sluice may not write there; give its user the right to write below FILES_DIR`
    return { verdict: 'dead', reason: 'unauthorized', message }
  }
  if (code === 'ENAMETOOLONG' || code === 'EISDIR' || code === 'ENOTDIR')
    return { verdict: 'dead', reason: 'not_found', message: `${code}: check the name of the destination` }
  return {
    verdict: 'retry',
    reason: 'server_error',
    message: `the file cannot be written: ${code || String(error)}`,
  }
}
