import type { AskHost } from './fetch-url.ts'
import { shapeGlobals } from './globals.ts'
import { installJson } from './json-global.ts'
import type { RealmOutcome } from './outcome.ts'
import { type Compile, type ExpressionsRun, parseExpressions, runExpressions } from './run-expressions.ts'
import { type FunctionRun, type FunctionSettings, openRun, startRun } from './run-function.ts'

/**
 * What the process around the realm can ask of it. Nothing but texts and numbers goes in or out, and one handle to ask
 * the host by, which no function ever holds.
 */
export interface Realm {
  /** @throws SyntaxError when the text alone is no body of an async function. */
  parseAlone(body: string): void
  startFunction(body: () => Promise<unknown>, jobData: string, settings: string, ask?: AskHost): void
  startExpressions(expressions: string, input: string, outputCharsMax: number): void
  /** The outcomes as JSON: none of them has a value. */
  parseExpressions(expressions: string): string
  /** A line of JSON ({@link RealmOutcome}), then the data. */
  takeFunction(): string
  /** The outcomes as JSON; undefined while they are not all there. */
  takeExpressions(): string | undefined
}

export function openRealm(): Realm {
  const globals = globalThis as unknown as Record<string, unknown>
  const AsyncFunction = (async () => undefined).constructor as new (body: string) => unknown
  // Loaded before the realm when expressions are to be evaluated, and never left for a stranger to find.
  const compile = globals.jsonata as Compile | undefined
  delete globals.jsonata
  shapeGlobals(globals)
  installJson(globals.JSON as JSON)

  let functionRun: FunctionRun | undefined
  let expressionsRun: ExpressionsRun | undefined
  return {
    parseAlone(body) {
      new AsyncFunction(body)
    },
    startFunction(body, jobData, settings, ask) {
      functionRun = openRun(JSON.parse(settings) as FunctionSettings)
      startRun(functionRun, body, jobData, ask)
    },
    startExpressions(expressions, input, outputCharsMax) {
      if (compile === undefined) throw new Error('the expression language is not loaded')
      expressionsRun = runExpressions(compile, JSON.parse(expressions) as string[], input, outputCharsMax)
    },
    parseExpressions(expressions) {
      if (compile === undefined) throw new Error('the expression language is not loaded')
      return JSON.stringify(parseExpressions(compile, JSON.parse(expressions) as string[]))
    },
    takeFunction: () => describeRun(functionRun),
    takeExpressions: () => expressionsRun?.outcomes && JSON.stringify(expressionsRun.outcomes),
  }
}

function describeRun(run: FunctionRun | undefined): string {
  forgetToJson()
  const log = run?.log.lines() ?? []
  const verdict = run?.verdict
  if (verdict === undefined) return line({ settled: false, log })
  if (!verdict.ok) return line({ settled: true, ...verdict, log })
  const { message, data } = verdict
  return line({ settled: true, ok: true, message, hasData: data !== undefined, log }) + (data ?? '')
}

const PROTOTYPES = [Object.prototype, Array.prototype, String.prototype, Number.prototype, Boolean.prototype]

/** A function may have taught every array to write itself otherwise; what follows is not for it to shape. */
function forgetToJson(): void {
  for (let index = 0; index < PROTOTYPES.length; index += 1)
    delete (PROTOTYPES[index] as { toJSON?: unknown }).toJSON
}

/** JSON text has no line feed of its own, so the first one ends it. */
function line(outcome: RealmOutcome): string {
  return `${JSON.stringify(outcome)}\n`
}
