import { isObject, type Json, type JsonObject } from '../payload/exact-json.ts'

/** A definition as it was stored, in the words of today: push nodes used to say `batch` for a list that goes whole. */
export function inTodaysWords(stored: JsonObject): JsonObject {
  return Array.isArray(stored.nodes) ? { ...stored, nodes: stored.nodes.map(nodeInTodaysWords) } : stored
}

function nodeInTodaysWords(node: Json): Json {
  if (!isObject(node) || typeof node.batch !== 'boolean') return node
  const { batch, ...rest } = node
  return { ...rest, array: batch ? 'whole' : 'each' }
}
