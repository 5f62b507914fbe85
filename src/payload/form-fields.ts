import type { BodyLimits } from './body-limits.ts'
import { effectiveDepthMax } from './body-limits.ts'
import { type BodyProblem, bodyProblem, shortName } from './body-problem.ts'
import { type Json, type JsonObject, setKey } from './exact-json.ts'

export interface FormField {
  readonly name: string
  readonly value: string
}

/**
 * Builds the data that form fields describe, in PHP's notation of names: `a=1` a value, `a=1&a=2` and `a[]=1&a[]=2`
 * a list, `a[b][c]=1` objects. As in PHP, `[]` counts on from the highest index, and as in PHP's `json_encode`, keys
 * that are just 0, 1, 2, … in order make a list. A name whose brackets do not pair up is a plain key. All leaves are strings.
 *
 * A name that is a value here and a group there is `unreadable`: one of the two would be lost.
 */
export function buildFields(
  fields: readonly FormField[],
  limits: BodyLimits,
): { ok: true; value: JsonObject } | BodyProblem {
  const root = newGroup()
  const budget = { keys: 0, keysMax: limits.keysMax }
  const depthMax = effectiveDepthMax(limits)
  for (const { name, value } of fields) {
    const keys = splitName(name, depthMax)
    if (keys.length > depthMax)
      return bodyProblem(
        'too_deep',
        `the form field ${shortName(name)} is nested deeper than ${depthMax} levels`,
      )
    if (!place(root, keys, value, budget))
      return bodyProblem('unreadable', `the form field ${shortName(name)} is a value and a group at once`)
    if (budget.keys > budget.keysMax)
      return bodyProblem('too_many_keys', `more than ${budget.keysMax} form fields`)
  }
  return { ok: true, value: toObject(root) }
}

/** `values` holds what the same name said, in order. */
interface Leaf {
  readonly values: string[]
}

interface Group {
  readonly members: Map<string, Leaf | Group>
  nextIndex: number
}

function newGroup(): Group {
  return { members: new Map(), nextIndex: 0 }
}

/** A bracket that is closed before anything but the next one, or opened twice. */
const UNPAIRED = /\][^[]|\[[^[\]]*\[/

/**
 * `a[b][]` gives `a`, `b` and the empty key, which stands for the next index. Of a name that is nested too deeply, one
 * key more than may be.
 */
function splitName(name: string, depthMax: number): string[] {
  const open = name.indexOf('[')
  // What is wrong is sought: an expression for what is right repeats a group, which fills the stack on a long name.
  if (open <= 0 || !name.endsWith(']') || UNPAIRED.test(name.slice(open))) return [name]
  return [name.slice(0, open), ...name.slice(open + 1, -1).split('][', depthMax)]
}

function place(root: Group, keys: readonly string[], value: string, budget: { keys: number }): boolean {
  let group = root
  for (const [level, written] of keys.entries()) {
    const key = level > 0 && written === '' ? String(group.nextIndex) : written
    const isLast = level === keys.length - 1
    let member = group.members.get(key)
    if (!member) {
      member = isLast ? { values: [] } : newGroup()
      group.members.set(key, member)
      budget.keys++
      if (/^(?:0|[1-9][0-9]{0,8})$/.test(key)) group.nextIndex = Math.max(group.nextIndex, Number(key) + 1)
    }
    if ('values' in member !== isLast) return false
    if ('values' in member) {
      if (member.values.length > 0) budget.keys++
      member.values.push(value)
    } else group = member
  }
  return true
}

function toJson(node: Leaf | Group): Json {
  if ('values' in node) return node.values.length === 1 ? (node.values[0] ?? '') : node.values
  return isSequence(node) ? [...node.members.values()].map(toJson) : toObject(node)
}

function isSequence(group: Group): boolean {
  let index = 0
  for (const key of group.members.keys()) {
    if (key !== String(index)) return false
    index++
  }
  return index > 0
}

function toObject(group: Group): JsonObject {
  const object: JsonObject = {}
  for (const [key, member] of group.members) setKey(object, key, toJson(member))
  return object
}
