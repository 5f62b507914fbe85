import { MappingError } from './failure.ts'
import { type Mapping, OUTSIDE, placeOfField, placeOfFields, type RulePlace } from './rule.ts'
import { mappingSchema } from './schema.ts'

export interface MappingFault {
  /** The keys that lead to it in the mapping as written. */
  readonly keys: readonly string[]
  /** Names the rule. */
  readonly message: string
}

/** Parses JSONata expressions, each by itself; the answers come in the same order. */
export type CheckSyntax = (
  expressions: string[],
) => Promise<({ ok: true } | { ok: false; message: string })[]>

/** What is wrong with a mapping whatever the payload: its form, paths and transforms, then its expressions. */
export async function checkMapping(mapping: unknown, checkSyntax: CheckSyntax): Promise<MappingFault[]> {
  const read = mappingSchema.safeParse(mapping)
  if (!read.success)
    return read.error.issues.map(({ path, message }) => ({ keys: path.map(String), message }))
  const written = expressionsIn(read.data, OUTSIDE)
  const answers = await checkSyntax(written.map(({ expression }) => expression))
  return answers.flatMap((answer, index) => {
    const at = written[index]?.at ?? OUTSIDE
    if (answer.ok) return []
    const { keys, message } = new MappingError(at.rule, [...at.keys, 'expression'], answer.message)
    return [{ keys, message }]
  })
}

function expressionsIn(fields: Mapping, around: RulePlace): { at: RulePlace; expression: string }[] {
  return Object.entries(fields).flatMap(([destination, rule]) => {
    if (typeof rule === 'string') return []
    const at = placeOfField(around, destination)
    if ('expression' in rule) return [{ at, expression: rule.expression }]
    return '$each' in rule ? expressionsIn(rule.fields, placeOfFields(at)) : []
  })
}
