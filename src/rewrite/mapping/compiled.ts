/** A mapping made ready: paths read, transforms prepared, rules in the order in which they are applied. */
import type { Json } from '../../payload/exact-json.ts'
import type { Path } from '../../payload/path.ts'
import type { Destination } from './destination.ts'
import type { SideCondition } from './side-condition.ts'
import type { SourcePath } from './source-path.ts'
import type { PreparedTransform } from './transforms.ts'

export interface CompiledMapping {
  readonly rules: readonly CompiledRule[]
  /** The value when no rule sets anything; undefined when a rule was to give the whole value. */
  readonly whenEmpty: 'object' | 'list' | undefined
}

export interface CompiledRule {
  /** The destination as written, after those of the enclosing rules. */
  readonly name: string
  readonly destination: Destination
  readonly source: CompiledSource
  /** Whether the field is set. */
  readonly when: SideCondition | undefined
  /** Which elements of a list that is read as a whole are taken: a `when` that shares them with `from`. */
  readonly filter: SideCondition | undefined
  readonly default: Json | undefined
  readonly keepNull: boolean
  readonly required: boolean
  readonly transforms: readonly PreparedTransform[]
}

export type CompiledSource =
  | { readonly kind: 'value'; readonly value: Json }
  | { readonly kind: 'expression'; readonly expression: string }
  | ({ readonly kind: 'from' } & Reading)
  | ({
      readonly kind: 'each'
      readonly where: SideCondition | undefined
      readonly fields: CompiledMapping
    } & Reading)

export interface Reading {
  readonly path: SourcePath
  /** The steps up to each paired `[]`, without it. */
  readonly heads: readonly Path[]
  /** What comes after the last paired `[]`. */
  readonly rest: Path
  /** Whether `rest` still has `[]`, so that its values are collected into a list. */
  readonly collects: boolean
}
