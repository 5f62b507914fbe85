import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { FAILURE_REASONS } from '../../src/rewrite/sandbox/contract.ts'
import type { FunctionLimits } from '../../src/rewrite/sandbox/sandbox.ts'

/** A file of `hostile/`: the body of a function that means harm, headed by what is to come of it. */
export interface HostileFunction {
  name: string
  source: string
  /** `success` or reasons of failure: one of them is to be the end, time after time. */
  expected: string[]
  /** With a failure: what its message has to contain, so that no other failure passes for it. */
  message: string | undefined
  /** With a success: its data as JSON. */
  data: string | undefined
  /** With a success: its whole log. */
  log: string[] | undefined
  /** How often it is called in a row. */
  times: number
  limits: Partial<FunctionLimits>
  /** Whether `fetchUrl` answers. */
  outside: boolean
  /** Whether its process has to be another one afterwards. */
  isReplaced: boolean
}

const FOLDER = path.join(import.meta.dirname, 'hostile')
const TAGS = ['expected', 'message', 'data', 'log', 'times', 'limits', 'outside', 'process']

export const hostileFunctions: HostileFunction[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.js'))
  .toSorted()
  .map((file) => read(file.slice(0, -3), readFileSync(path.join(FOLDER, file), 'utf8')))

function read(name: string, source: string): HostileFunction {
  const header = /^\/\*\*\n((?: \*.*\n)+?) \*\/\n/.exec(source)?.[1]
  if (header === undefined) throw new Error(`${name}.js does not begin with a comment`)
  const tags = new Map(
    [...header.matchAll(/^ \* @(\w+) ?(.*)$/gm)].map(([, tag = '', text = '']) => [tag, text]),
  )
  for (const tag of tags.keys()) if (!TAGS.includes(tag)) throw new Error(`${name}.js: @${tag} is unknown`)
  const expected = (tags.get('expected') ?? '').split(', ')
  for (const end of expected)
    if (end !== 'success' && !FAILURE_REASONS.some((reason) => reason === end))
      throw new Error(`${name}.js: @expected is success or reasons of failure, not "${end}"`)
  if (expected.includes('success') && !tags.has('data'))
    throw new Error(`${name}.js: @data says what a success is to give`)
  if (tags.has('message') && expected.every((end) => end === 'success'))
    throw new Error(`${name}.js: @message is that of a failure, and none is expected`)
  return {
    name,
    source,
    expected,
    message: tags.get('message'),
    data: tags.get('data'),
    log: readJson(tags.get('log')),
    times: Number(tags.get('times') ?? 1),
    limits: readJson(tags.get('limits')) ?? {},
    outside: tags.has('outside'),
    isReplaced: tags.get('process') === 'replaced',
  }
}

function readJson<Value>(text: string | undefined): Value | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as Value)
}
