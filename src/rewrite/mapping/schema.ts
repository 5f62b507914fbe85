import { z } from 'zod'
import { compileMapping } from './compile.ts'
import { MappingError } from './failure.ts'
import { type Mapping, shapeProblems } from './rule.ts'

/**
 * A mapping that compiles. Every issue's path leads to the rule, and its message names it too.
 *
 * The value is handed on as it is: a record schema would lose a key such as `__proto__`.
 */
export const mappingSchema: z.ZodType<Mapping> = z.custom<Mapping>().superRefine((mapping, context) => {
  const problems = shapeProblems(mapping)
  for (const { keys, problem } of problems.length > 0 ? problems : compileProblems(mapping))
    context.addIssue({ code: 'custom', path: [...keys], message: problem })
})

function compileProblems(mapping: Mapping): { keys: readonly string[]; problem: string }[] {
  try {
    compileMapping(mapping)
    return []
  } catch (error) {
    if (error instanceof MappingError) return [{ keys: error.keys, problem: error.message }]
    throw error
  }
}
