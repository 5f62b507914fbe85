import type { Definition, Node } from '../integrations/integrations.ts'
import type { NodeResult, TakenRun } from '../ledger/ledger.ts'
import { parseExact, stringifyExact } from '../payload/exact-json.ts'
import type { Rewriter } from '../rewrite/rewrite.ts'
import { type Facts, factsOf } from './facts.ts'
import { type RewriteOptions, rewriteAtNode } from './rewrite-node.ts'

/** What a walk through the nodes gave. With a failure nothing is sent. */
export interface Walk {
  results: NodeResult[]
  items: { destinationId: string; nodeId: string; item: string }[]
  /** A decision let nothing pass. */
  filtered: boolean
  failure: string | null
}

/** A diamond of nodes doubles its work at every step; no honest graph comes near this. */
const VISITS_MAX = 1_000

/** Walks from the first node along the graph, breadth first; a node reached on two ways is visited twice. */
export async function walkNodes(
  run: TakenRun,
  definition: Definition,
  functionVersions: Record<string, string>,
  options: RewriteOptions,
): Promise<Walk> {
  const facts = factsOf(run, definition.source, functionVersions)
  const nodes = new Map(definition.nodes.map((node) => [node.id, node]))
  const walk: Walk = { results: [], items: [], filtered: false, failure: null }
  const ahead: { node: Node; data: string }[] = []
  const [first] = definition.nodes
  if (first) ahead.push({ node: first, data: run.payload })
  for (let visit = ahead.shift(); visit; visit = ahead.shift()) {
    if (walk.results.length >= VISITS_MAX)
      return { ...walk, failure: `more than ${VISITS_MAX} visits of nodes` }
    const next = await visitNode(visit.node, visit.data, facts, walk, options)
    if (walk.failure !== null) return walk
    for (const { id, data } of next) {
      const node = nodes.get(id)
      if (node) ahead.push({ node, data })
    }
  }
  return walk
}

type Next = { id: string; data: string }[]

async function visitNode(
  node: Node,
  data: string,
  facts: Facts,
  walk: Walk,
  options: RewriteOptions,
): Promise<Next> {
  if (node.kind === 'decision') return decide(node, data, facts, walk, options.rewriter)
  const { result, failure } = await rewriteAtNode(node, data, facts, options)
  walk.results.push(result)
  if (failure !== null) {
    walk.failure = `node "${node.id}": ${failure}`
    return []
  }
  const given = result.output ?? data
  if (result.outcome === 'nothing') return []
  if (node.kind === 'transform') return node.next.map((id) => ({ id, data: given }))
  walk.items.push(
    ...itemsOf(given, node.batch).map((item) => ({ destinationId: node.destination, nodeId: node.id, item })),
  )
  return []
}

function decide(
  node: Extract<Node, { kind: 'decision' }>,
  data: string,
  facts: Facts,
  walk: Walk,
  rewriter: Rewriter,
): Next {
  const scope = { payload: parseExact(data), request: facts.request, event: facts.event }
  const holding = node.branches.filter((branch) => rewriter.holds(branch.when, scope))
  const taken = node.all ? holding : holding.slice(0, 1)
  const next = taken.length > 0 ? taken.flatMap((branch) => branch.next) : node.otherwise
  const branches = taken.map((branch) => node.branches.indexOf(branch))
  const message = taken.length > 0 ? `branch ${branches.join(', ')}` : 'otherwise'
  if (next.length === 0) walk.filtered = true
  walk.results.push(resultOf(node, next.length > 0 ? 'decided' : 'filtered', message))
  return next.map((id) => ({ id, data }))
}

function resultOf(node: Node, outcome: string, message: string): NodeResult {
  return {
    nodeId: node.id,
    outcome,
    message,
    output: null,
    log: [],
    functionVersion: null,
    wallMs: 0,
    cpuMs: 0,
  }
}

/** One item per element of a list, unless the node sends lists whole. */
function itemsOf(data: string, batch: boolean): string[] {
  if (batch || !data.trimStart().startsWith('[')) return [data]
  const list = parseExact(data)
  return Array.isArray(list) ? list.map((element) => stringifyExact(element)) : [data]
}
