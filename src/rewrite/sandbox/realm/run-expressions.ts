import { isObject, type Json } from '../../../payload/exact-json.ts'
import type { ExpressionOutcome } from '../contract.ts'
import { cut, describeThrown } from './describe-error.ts'
import { EXPRESSION_FUNCTIONS } from './expression-functions.ts'
import { readJson } from './read-json.ts'
import { writeJson } from './write-json.ts'

interface Compiled {
  evaluate(input: unknown): Promise<unknown>
  ast(): Json
  registerFunction(name: string, implementation: (value: unknown) => unknown, signature: string): void
}
export type Compile = (expression: string) => Compiled

export interface ExpressionsRun {
  outcomes: ExpressionOutcome[] | undefined
}

/** Parses each expression as it is parsed before it is evaluated. */
export function parseExpressions(compile: Compile, expressions: readonly string[]): ExpressionOutcome[] {
  return expressions.map((expression) => {
    try {
      parse(compile, expression)
      return { ok: true, value: undefined }
    } catch (thrown) {
      return { ok: false, message: describeFault(thrown) }
    }
  })
}

/** Evaluates the expressions one after the other; a failure of one is no failure of the next. */
export function runExpressions(
  compile: Compile,
  expressions: readonly string[],
  input: string,
  outputCharsMax: number,
): ExpressionsRun {
  const run: ExpressionsRun = { outcomes: undefined }
  void evaluateAll(compile, expressions, input, outputCharsMax).then((outcomes) => {
    run.outcomes = outcomes
  })
  return run
}

async function evaluateAll(
  compile: Compile,
  expressions: readonly string[],
  input: string,
  outputCharsMax: number,
): Promise<ExpressionOutcome[]> {
  const outcomes: ExpressionOutcome[] = []
  let charsLeft = outputCharsMax
  for (const expression of expressions) {
    const outcome = await evaluateOne(compile, expression, input, charsLeft)
    if (outcome.ok) charsLeft -= outcome.value?.length ?? 0
    outcomes.push(outcome)
  }
  return outcomes
}

async function evaluateOne(
  compile: Compile,
  expression: string,
  input: string,
  charsMax: number,
): Promise<ExpressionOutcome> {
  try {
    const compiled = parse(compile, expression)
    // Read anew for each, so that no expression can prepare the input of the next. JSONata knows only doubles:
    // bigints and raw JSON are true to it, and otherwise opaque: it hands them through exactly and refuses to
    // reckon with them.
    for (const { name, apply, signature } of EXPRESSION_FUNCTIONS)
      compiled.registerFunction(name, apply, signature)
    const value = await compiled.evaluate(readJson(input, (digits) => JSON.rawJSON(digits)).value)
    if (typeof value === 'function') return { ok: false, message: 'the expression gives a function' }
    const written = writeJson(value, 'the result', charsMax, 'expression')
    return written.ok ? { ok: true, value: written.text } : { ok: false, message: written.problem }
  } catch (thrown) {
    return { ok: false, message: describeFault(thrown) }
  }
}

/** JSONata would round a literal of seventeen digits without a word. */
function parse(compile: Compile, expression: string): Compiled {
  const compiled = compile(expression)
  if (/[0-9]{16}/.test(expression) && holdsLongLiteral(compiled.ast()))
    throw new Error('a number in the expression is too long to be exact; compare its text: $string(id) = "…"')
  return compiled
}

function holdsLongLiteral(node: Json): boolean {
  if (Array.isArray(node)) return node.some(holdsLongLiteral)
  if (!isObject(node)) return false
  if (node.type === 'number' && Math.abs(Number(node.value)) > Number.MAX_SAFE_INTEGER) return true
  return Object.keys(node).some((key) => holdsLongLiteral(node[key] as Json))
}

function describeFault(thrown: unknown): string {
  const { position, code, message } = (thrown ?? {}) as {
    position?: unknown
    code?: unknown
    message?: unknown
  }
  const text = typeof code === 'string' ? cut(`${message}`) : describeThrown(thrown, 'expression')
  const place = typeof position === 'number' ? ` at character ${position}` : ''
  return typeof code === 'string' ? `${text} (${code}${place})` : text
}
