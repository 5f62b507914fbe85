import { readFile } from 'node:fs/promises'
import { linkModules } from './link.ts'
import type { Sources } from './protocol.ts'

/** What runs in a sandbox process, as text: it reads no file of ours itself. */
export interface Program {
  /** A script for Node that listens on the channel. */
  main: string
  /** What it is told first. */
  sources: Sources
}

/** In the process: each file after those that it imports. */
const PROCESS_FILES = [
  'realm/primordials.ts',
  'realm/describe-error.ts',
  'frames.ts',
  'child/compile.ts',
  'child/attempt.ts',
  'child/isolates.ts',
  'child/scene.ts',
  'child/outside.ts',
  'child/run-function.ts',
  'child/run-expressions.ts',
  'child/check-source.ts',
  'child/check-expressions.ts',
  'child/main.ts',
]

/** In its isolates. */
const REALM_FILES = [
  '../../payload/exact-json.ts',
  '../../payload/path.ts',
  'realm/primordials.ts',
  'realm/describe-error.ts',
  'realm/queue-manager.ts',
  'realm/print.ts',
  'realm/log.ts',
  'realm/read-json.ts',
  'realm/write-json.ts',
  'realm/json-global.ts',
  'realm/globals.ts',
  'realm/fetch-url.ts',
  'realm/outcome.ts',
  'realm/run-function.ts',
  'realm/expression-functions.ts',
  'realm/run-expressions.ts',
  'realm/entry.ts',
]

let program: Promise<Program> | undefined

/**
 * The same for all sandbox processes, and made once, here: to undo the types of these files takes a process longer
 * than all else in its start.
 *
 * @param addon path of isolated-vm's main file
 * @param expressionLanguage path of JSONata as one script
 */
export function sandboxProgram(addon: string, expressionLanguage: string): Promise<Program> {
  program ??= makeProgram(addon, expressionLanguage)
  return program
}

async function makeProgram(addon: string, expressionLanguage: string): Promise<Program> {
  return {
    main: `"use strict"\n${await linkModules(PROCESS_FILES)}`,
    sources: {
      addon,
      realm: asRealm(await linkModules(REALM_FILES)),
      expressionLanguage: withLongIntegers(await readFile(expressionLanguage, 'utf8')),
    },
  }
}

/**
 * JSONata takes a bigint, which it has never heard of, for false. Here bigints are integers beyond 2^53: never zero,
 * and the place of no element where they stand as a predicate. Its functions could be replaced from outside, but
 * `?:`, `and`, `or` and predicates ask in its own code alone.
 */
function withLongIntegers(language: string): string {
  const amendments = [
    ['"boolean"==typeof t&&!0===t&&(r=!0)', '("bigint"==typeof t||!0===t)&&(r=!0)'],
    ['a.boolean(l)&&o.push(c)', '"bigint"!=typeof l&&a.boolean(l)&&o.push(c)'],
  ] as const
  return amendments.reduce((text, [written, amended]) => {
    const [before, after, ...more] = text.split(written)
    if (before === undefined || after === undefined || more.length > 0)
      throw new Error(`JSONata is not the one that is to be amended: ${written} does not stand there once`)
    return before + amended + after
  }, language)
}

/**
 * The realm as one script, whose value is the opened realm. `JSON` is bound to the original functions, as the script
 * replaces them for others.
 */
function asRealm(modules: string): string {
  return [
    '(function (JSON) {',
    '"use strict"',
    modules,
    'return modules["entry.ts"].openRealm()',
    '})({ parse: JSON.parse, stringify: JSON.stringify, rawJSON: JSON.rawJSON, isRawJSON: JSON.isRawJSON })',
  ].join('\n')
}
