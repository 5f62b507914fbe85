import type ivm from 'isolated-vm'
import type { Place } from '../protocol.ts'

/** A source that is no function body. */
export class SourceError extends Error {
  readonly place: Place | undefined

  constructor(message: string, place: Place | undefined) {
    super(message)
    this.place = place
  }
}

/**
 * Compiles a body to a script whose value is the function. The wrapping is safe because the body has also been
 * parsed by itself: alone, nothing in it can close the function that it stands in.
 *
 * @throws SourceError
 */
export async function compileBody(
  isolate: ivm.Isolate,
  body: string,
  fileName: string,
  parseAlone: (body: string) => Promise<void>,
): Promise<ivm.Script> {
  const script = await isolate
    .compileScript(`(async function () {\n${body}\n})`, { filename: fileName, lineOffset: -1 })
    .catch((error: unknown) => {
      throw sourceError(error, body)
    })
  await parseAlone(body).catch((error: unknown) => {
    throw new SourceError(`the source closes the function it is the body of: ${messageOf(error)}`, undefined)
  })
  return script
}

/** A name that can stand in a stack trace without being taken for another part of it. */
export function fileNameOf(name: string): string {
  return name.replace(/[^\w.\- ]/g, '_').slice(0, 100) || 'function'
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** isolated-vm puts the place behind the message: `Unexpected token ';' [name:1:9]`. */
function sourceError(error: unknown, body: string): SourceError {
  const match = /^(.*) \[[^[\]]*?:([0-9]+):([0-9]+)\]$/s.exec(messageOf(error))
  if (!match) return new SourceError(messageOf(error), undefined)
  const [, message = '', line, column] = match
  // An unclosed bracket is noticed in the wrapping's last line, one behind the body's.
  const lines = body.split('\n')
  const isBehind = Number(line) > lines.length
  const place = isBehind
    ? { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
    : { line: Number(line), column: Number(column) }
  return new SourceError(`SyntaxError: ${message}`, place)
}
