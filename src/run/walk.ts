import type { Definition, Integrations, Node } from '../integrations/integrations.ts'
import type { NodeResult, TakenRun, Turn } from '../ledger/ledger.ts'
import { parseExact, stringifyExact } from '../payload/exact-json.ts'
import { jsonShape } from '../payload/json-shape.ts'
import type { Rewriter } from '../rewrite/rewrite.ts'
import { type CallNode, type CallOptions, callAtNode } from './call-node.ts'
import { type Facts, factsOf, resultOf } from './facts.ts'
import { type Failure, finalFailure, Stopped } from './failure.ts'
import { type RunLimits, tooManyBytes, tooManyDeliveries } from './limits.ts'
import { type RewriteOptions, type RewritingNode, rewriteAtNode } from './rewrite-node.ts'
import { turnOf } from './turns.ts'

/** What a walk through the nodes gave. With a failure nothing is sent. */
export interface Walk {
  results: NodeResult[]
  items: { destinationId: string; nodeId: string; item: string; turn: Turn }[]
  /** What results and items hold. */
  bytes: number
  /** A decision let nothing pass. */
  filtered: boolean
  failure: Failure | null
  /** What each node gave on when it was last visited, exact JSON text. */
  given: Map<string, string>
  lastNode: string | undefined
}

export type WalkOptions = RewriteOptions &
  CallOptions & { integrations: Pick<Integrations, 'destination'>; limits: RunLimits }

type PushNode = Extract<Node, { kind: 'push' }>

/** A diamond of nodes doubles its work at every step; no honest graph comes near this. */
const VISITS_MAX = 1_000
const CALLS_MAX = 100

export function startWalk(): Walk {
  return {
    results: [],
    items: [],
    bytes: 0,
    filtered: false,
    failure: null,
    given: new Map(),
    lastNode: undefined,
  }
}

/**
 * Walks from the first node along the graph, breadth first; a node reached on two ways is visited twice.
 *
 * @throws Stopped when the signal ends it
 */
export async function walkNodes(
  run: TakenRun,
  definition: Definition,
  functionVersions: Record<string, string>,
  options: WalkOptions,
): Promise<Walk> {
  const facts = factsOf(run, definition, functionVersions)
  const nodes = new Map(definition.nodes.map((node) => [node.id, node]))
  const walk = startWalk()
  const ahead: { node: Node; data: string }[] = []
  const [first] = definition.nodes
  if (first) ahead.push({ node: first, data: run.payload })
  for (let visit = ahead.shift(); visit; visit = ahead.shift()) {
    if (options.signal.aborted) throw new Stopped()
    if (walk.results.length >= VISITS_MAX)
      return { ...walk, failure: finalFailure(`more than ${VISITS_MAX} visits of nodes`) }
    const next = await visitNode(visit.node, visit.data, facts, walk, options)
    if (walk.failure !== null) return walk
    const tooLarge = tooManyBytes(walk.bytes, options.limits)
    if (tooLarge !== null) return { ...walk, failure: finalFailure(`node "${visit.node.id}": ${tooLarge}`) }
    for (const { id, data } of next) {
      const node = nodes.get(id)
      if (node) ahead.push({ node, data })
    }
  }
  return walk
}

type Next = { id: string; data: string }[]

function visitNode(
  node: Node,
  data: string,
  facts: Facts,
  walk: Walk,
  options: WalkOptions,
): Next | Promise<Next> {
  switch (node.kind) {
    case 'decision':
      return decide(node, data, facts, walk, options.rewriter)
    case 'call':
      return call(node, data, facts, walk, options)
    case 'transform':
      return rewrite(node, data, facts, walk, options)
    case 'push':
      return isWanted(node, data, facts, options.rewriter)
        ? rewrite(node, data, facts, walk, options)
        : leaveOut(node, data, walk)
  }
}

async function rewrite(
  node: RewritingNode,
  data: string,
  facts: Facts,
  walk: Walk,
  options: WalkOptions,
): Promise<Next> {
  const { result, failure } = await rewriteAtNode(node, data, facts, options)
  const given = keep(node, data, result, failure, walk)
  if (failure !== null || result.outcome === 'nothing') return []
  if (node.kind === 'transform') return node.next.map((id) => ({ id, data: given }))
  const message = push(node, given, walk, options)
  if (message !== null) walk.failure = finalFailure(`node "${node.id}": ${message}`)
  return []
}

/** Adds the items of a push node, or says why not. They are counted first: a list may be more than memory holds as items. */
function push(node: PushNode, data: string, walk: Walk, options: WalkOptions): string | null {
  const whole = isSentWhole(node, options) || !data.trimStart().startsWith('[')
  const count = whole ? 1 : jsonShape(data).elements
  const tooMany = tooManyDeliveries(count, walk.items.length, options.limits)
  if (tooMany !== null) return tooMany
  walk.bytes += Buffer.byteLength(data)
  for (const item of whole ? [data] : elementsOf(data)) {
    const turn = turnOf(node, item)
    if (!turn.ok) return turn.message
    walk.items.push({ destinationId: node.destination, nodeId: node.id, item, turn: turn.turn })
  }
  return null
}

async function call(
  node: CallNode,
  data: string,
  facts: Facts,
  walk: Walk,
  options: WalkOptions,
): Promise<Next> {
  if (walk.results.filter((result) => result.call !== null).length >= CALLS_MAX) {
    walk.failure = finalFailure(`more than ${CALLS_MAX} calls`)
    return []
  }
  const visit = 1 + walk.results.filter(({ nodeId }) => nodeId === node.id).length
  const { result, failure } = await callAtNode(node, data, visit, facts, options)
  const given = keep(node, data, result, failure, walk)
  return failure === null ? node.next.map((id) => ({ id, data: given })) : []
}

/** What the node gives on. */
function keep(node: Node, data: string, result: NodeResult, failure: Failure | null, walk: Walk): string {
  walk.results.push(result)
  if (result.output !== null) walk.bytes += Buffer.byteLength(result.output)
  const given = result.output ?? data
  if (failure === null) {
    walk.given.set(node.id, given)
    walk.lastNode = node.id
  } else {
    walk.failure = { ...failure, message: `node "${node.id}": ${failure.message}` }
  }
  return given
}

function isWanted({ when }: PushNode, data: string, facts: Facts, rewriter: Rewriter): boolean {
  return when === undefined || rewriter.holds(when, scopeOf(data, facts))
}

function leaveOut(node: Node, data: string, walk: Walk): Next {
  walk.filtered = true
  keep(node, data, resultOf(node, 'filtered', 'its condition does not hold'), null, walk)
  return []
}

/** What conditions are asked about. */
function scopeOf(data: string, { request, event, source }: Facts) {
  return { payload: parseExact(data), request, event, source }
}

function decide(
  node: Extract<Node, { kind: 'decision' }>,
  data: string,
  facts: Facts,
  walk: Walk,
  rewriter: Rewriter,
): Next {
  const scope = scopeOf(data, facts)
  const holding = node.branches.filter((branch) => rewriter.holds(branch.when, scope))
  const taken = node.all ? holding : holding.slice(0, 1)
  const next = taken.length > 0 ? taken.flatMap((branch) => branch.next) : node.otherwise
  const branches = taken.map((branch) => node.branches.indexOf(branch))
  const message = taken.length > 0 ? `branch ${branches.join(', ')}` : 'otherwise'
  if (next.length === 0) walk.filtered = true
  keep(node, data, resultOf(node, next.length > 0 ? 'decided' : 'filtered', message), null, walk)
  return next.map((id) => ({ id, data }))
}

/** Also where the body of the request is sent, which there is but once. */
function isSentWhole({ array, destination }: PushNode, { integrations }: WalkOptions): boolean {
  const config = integrations.destination(destination)?.config
  return array === 'whole' || (config?.kind === 'http' && config.format === 'original')
}

function elementsOf(data: string): string[] {
  const list = parseExact(data)
  return Array.isArray(list) ? list.map((element) => stringifyExact(element)) : [data]
}
