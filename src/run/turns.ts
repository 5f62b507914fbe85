import type { Node } from '../integrations/integrations.ts'
import { PRIORITY_DEFAULT, type Turn } from '../ledger/ledger.ts'
import { parseExact } from '../payload/exact-json.ts'
import { compileTemplate, renderTemplate, type Template } from '../payload/template.ts'

type PushNode = Extract<Node, { kind: 'push' }>

export type TurnOf = { ok: true; turn: Turn } | { ok: false; message: string }

/** Keys stand in an index, whose entries are limited. */
const KEY_CHARS_MAX = 500

/** When an item of a push node may go, as far as the node says; a key that cannot be read is a failure of the node. */
export function turnOf(node: PushNode, item: string): TurnOf {
  const order = keyOf(node, 'orderKey', item)
  if (!order.ok) return order
  const unique = keyOf(node, 'uniqueKey', item)
  if (!unique.ok) return unique
  const delayMs = Math.round((node.delaySeconds ?? 0) * 1_000)
  const turn: Turn = {
    state: delayMs > 0 ? 'delayed' : 'waiting',
    priority: node.priority ?? PRIORITY_DEFAULT,
    delayMs,
    orderKey: order.key,
    holdsOnDead: node.onDead === 'hold',
    uniqueKey: unique.key,
  }
  return { ok: true, turn }
}

/**
 * Lets those go straight into the queue that nothing holds: for each destination so many as it has places for, and
 * none behind one that has to wait.
 *
 * @param straight how many more may go to a destination without being released
 */
export function letStraight<Item extends { destinationId: string; turn: Turn }>(
  items: readonly Item[],
  straight: (destinationId: string) => number,
): Item[] {
  const left = new Map<string, number>()
  return items.map((item) => {
    const { destinationId, turn } = item
    if (turn.state !== 'waiting') return item
    const places = left.get(destinationId) ?? straight(destinationId)
    const goes = places > 0 && turn.orderKey === null && turn.uniqueKey === null
    left.set(destinationId, goes ? places - 1 : 0)
    return goes ? { ...item, turn: { ...turn, state: 'queued' } } : item
  })
}

type KeyOf = { ok: true; key: string | null } | { ok: false; message: string }

function keyOf(node: PushNode, field: 'orderKey' | 'uniqueKey', item: string): KeyOf {
  const template = node[field] === undefined ? undefined : compiled(node[field])
  if (!template) return { ok: true, key: null }
  const rendered = renderTemplate(template, parseExact(item), (text) => text)
  if (!rendered.ok) return { ok: false, message: `its ${field} cannot be filled in: ${rendered.message}` }
  const key = rendered.text.trim()
  if (key.length > KEY_CHARS_MAX)
    return { ok: false, message: `its ${field} is longer than ${KEY_CHARS_MAX} characters` }
  return { ok: true, key: key === '' ? null : key.replaceAll('\0', '') }
}

/** By text, of which there are as many as there are definitions. */
const templates = new Map<string, Template>()
const TEMPLATES_MAX = 1_000

/** The schema of the node compiles every template, so one that does not compile here is a defect. */
function compiled(text: string): Template {
  const known = templates.get(text)
  if (known) return known
  const made = compileTemplate(text)
  if (!made.ok) throw new Error(`a stored node has a template that cannot be read: ${made.message}`)
  if (templates.size >= TEMPLATES_MAX) templates.clear()
  templates.set(text, made.template)
  return made.template
}
