import { PAYLOAD_DEPTH_CEILING } from '../payload/body-limits.ts'
import { isObject, type Json, type JsonObject } from '../payload/exact-json.ts'
import { hasNoContent } from './reply-status.ts'

/**
 * A definition as it was stored, in the words of today: push nodes used to say `batch` for a list that goes whole,
 * replies of a status without content could have a body, and a depth could be given that no payload was ever allowed.
 */
export function inTodaysWords(stored: JsonObject): JsonObject {
  const { nodes, reply, limits } = stored
  return {
    ...stored,
    ...(Array.isArray(nodes) ? { nodes: nodes.map(nodeInTodaysWords) } : {}),
    ...(isObject(reply) && hasNoContent(Number(reply.status)) ? { reply: { ...reply, body: '' } } : {}),
    ...(isObject(limits) && Number(limits.depthMax) > PAYLOAD_DEPTH_CEILING
      ? { limits: { ...limits, depthMax: PAYLOAD_DEPTH_CEILING } }
      : {}),
  }
}

function nodeInTodaysWords(node: Json): Json {
  if (!isObject(node) || typeof node.batch !== 'boolean') return node
  const { batch, ...rest } = node
  return { ...rest, array: batch ? 'whole' : 'each' }
}
