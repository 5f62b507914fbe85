import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import {
  type Imitation,
  type RequestOptions,
  SimulationError,
  type WrongKind,
} from '../simulator/simulator.ts'

/** The options of `sluice send`, as commander reads them, with those of the source beside them. */
export interface SendOptions {
  readonly to?: string
  readonly gateway?: string
  readonly adminKey?: string
  readonly signedUrl?: string
  readonly topic?: string
  readonly file?: string
  readonly contentType?: string
  readonly fresh?: true
  readonly withHeader?: string[]
  /** True without a kind. */
  readonly handshake?: string | true
  readonly secret?: string
  readonly user?: string
  /** A file. */
  readonly key?: string
  readonly unsigned?: true
  readonly wrong?: string
  readonly times: number
  readonly concurrency: number
  readonly same?: true
  readonly timeoutMs: number
  readonly print?: true
}

/** What the simulator is asked for; each request adds its moment and its event. */
export type Wanted = Omit<RequestOptions, 'now' | 'event'>

/** Files are read and the secret is taken from the environment here. */
export async function readWanted(imitation: Imitation, options: SendOptions, url: string): Promise<Wanted> {
  const { handshake, file, key, secret = process.env.SLUICE_SEND_SECRET } = options
  const given = options as unknown as Record<string, string | undefined>
  return {
    url,
    signedUrl: options.signedUrl,
    topic: options.topic,
    body: file === undefined ? undefined : await readBody(file),
    contentType: options.contentType ?? contentTypeOf(file),
    fresh: options.fresh,
    options: Object.fromEntries(Object.keys(imitation.options).map((name) => [name, given[name]])),
    handshake: handshake === true ? imitation.handshakes[0]?.kind : handshake,
    unsigned: options.unsigned,
    // The simulator knows which there are, and says so.
    wrong: options.wrong as WrongKind | undefined,
    secret,
    user: options.user,
    key: key === undefined ? undefined : (await readFileOf(key)).toString('utf8'),
  }
}

/** @throws SimulationError for one that has no colon, or could not stand in a request. */
export function readHeaders(lines: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] =
        /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? []
      if (name !== undefined && value !== undefined) return [name, value]
      throw new SimulationError(`--with-header wants "Name: value", not ${JSON.stringify(line)}`)
    }),
  )
}

async function readBody(file: string): Promise<Buffer> {
  return file === '-' ? await buffer(process.stdin) : await readFileOf(file)
}

async function readFileOf(file: string): Promise<Buffer> {
  return await readFile(file).catch((error: NodeJS.ErrnoException) => {
    const problem = error.code === 'ENOENT' ? 'does not exist' : `cannot be read: ${error.message}`
    throw new SimulationError(`the file ${file} ${problem}`)
  })
}

const CONTENT_TYPES: Record<string, string> = {
  '.json': 'application/json',
  '.xml': 'application/xml',
  '.form': 'application/x-www-form-urlencoded',
  '.txt': 'text/plain',
}

/** Undefined where the name says nothing: then it is that of the source. */
function contentTypeOf(file: string | undefined): string | undefined {
  return file === undefined ? undefined : CONTENT_TYPES[path.extname(file).toLowerCase()]
}
