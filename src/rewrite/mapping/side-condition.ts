/**
 * A condition beside a rule, asked for one element: its paths are rewritten once, so that each leads from a small
 * scope to the payload, to the element at hand, or to what is known beside it.
 */
import { type Condition, holds } from '../../payload/condition.ts'
import type { Json } from '../../payload/exact-json.ts'
import { formatPath, parsePath } from '../../payload/path.ts'
import type { Frame } from './frame.ts'
import { parseSidePath, type SidePath, type SourcePath } from './source-path.ts'

export type SideCondition = (frame: Frame, elements: readonly Json[]) => boolean

export interface CompiledCondition {
  readonly holds: SideCondition
  /** How many `[]` of `from` the condition needs an element of. */
  readonly level: number
}

/** @throws Error with the problem of a path. */
export function compileCondition(written: Condition, from: SourcePath | undefined): CompiledCondition {
  let level = 0
  const condition = withPaths(written, (text) => {
    const path = parseSidePath(text, from)
    level = Math.max(level, path.level)
    return scopePath(path)
  })
  return {
    level,
    holds: (frame, elements) =>
      holds(condition, {
        item: frame.item,
        root: frame.root,
        parent: frame.parent,
        request: frame.request,
        event: frame.event,
        source: frame.source,
        elements: [...elements],
      }),
  }
}

function withPaths(condition: Condition, rewrite: (path: string) => string): Condition {
  if ('all' in condition) return { all: condition.all.map((one) => withPaths(one, rewrite)) }
  if ('any' in condition) return { any: condition.any.map((one) => withPaths(one, rewrite)) }
  if ('not' in condition) return { not: withPaths(condition.not, rewrite) }
  return { ...condition, path: rewrite(condition.path) }
}

function scopePath({ origin, level, steps }: SidePath): string {
  const start = level === 0 ? [{ key: origin }] : [{ key: 'elements' }, { index: level - 1 }]
  const text = formatPath([...start, ...steps])
  // The rewritten path is longer than the one that was checked.
  parsePath(text)
  return text
}
