import { isObject, type Json, type JsonObject } from '../payload/exact-json.ts'
import { hasNoContent } from './reply-status.ts'

/**
 * A definition as it was stored, in the words of today: push nodes used to say `batch` for a list that goes whole, and
 * replies of a status without content could have a body.
 */
export function inTodaysWords(stored: JsonObject): JsonObject {
  const { nodes, reply } = stored
  return {
    ...stored,
    ...(Array.isArray(nodes) ? { nodes: nodes.map(nodeInTodaysWords) } : {}),
    ...(isObject(reply) && hasNoContent(Number(reply.status)) ? { reply: { ...reply, body: '' } } : {}),
  }
}

function nodeInTodaysWords(node: Json): Json {
  if (!isObject(node) || typeof node.batch !== 'boolean') return node
  const { batch, ...rest } = node
  return { ...rest, array: batch ? 'whole' : 'each' }
}
