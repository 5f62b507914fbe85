import { expect, test } from 'vitest'
import { definitionSchema } from '../../src/integrations/integrations.ts'
import { inTodaysWords } from '../../src/integrations/stored-definition.ts'
import { PAYLOAD_DEPTH_CEILING } from '../../src/payload/body-limits.ts'
import { SETTINGS } from '../../src/platform/settings.ts'

const destination = '0190a000-0000-7000-8000-00000000000d'
const push = (more: object) => ({ id: 'push', kind: 'push', destination, ...more })

test('a definition that was stored when push nodes said `batch` means what it meant', () => {
  const arrayOf = (more: object) => {
    const [node] = definitionSchema.parse(inTodaysWords({ nodes: [push(more)] })).nodes
    return node?.kind === 'push' ? node.array : undefined
  }
  expect(arrayOf({ batch: true })).toBe('whole')
  expect(arrayOf({ batch: false })).toBe('each')
  expect(arrayOf({ array: 'whole' })).toBe('whole')
  expect(arrayOf({})).toBe('each')
})

test('a reply without content that was stored with a body is read without it, and one with both is refused today', () => {
  const reply = (status: number) => ({ nodes: [push({})], reply: { status, body: 'ok' } })
  const stored = (status: number) => definitionSchema.parse(inTodaysWords(reply(status))).reply?.body
  expect([200, 204, 205].map(stored)).toEqual(['ok', '', ''])
  for (const status of [204, 205])
    expect(definitionSchema.safeParse(reply(status)).error?.issues).toMatchObject([
      { path: ['reply', 'body'], message: expect.stringContaining('has no body') },
    ])
  expect(definitionSchema.safeParse({ nodes: [push({})], reply: { status: 204 } }).success).toBe(true)
})

test('no depth beyond that which holds is promised, and one that was stored is read as that', () => {
  const deep = (depthMax: number) => ({ nodes: [push({})], limits: { depthMax, keysMax: 5 } })
  const stored = (depthMax: number) => definitionSchema.parse(inTodaysWords(deep(depthMax))).limits
  expect([20, 500, 1_000].map(stored)).toEqual([20, 500, 500].map((depthMax) => ({ depthMax, keysMax: 5 })))
  expect(definitionSchema.safeParse(deep(PAYLOAD_DEPTH_CEILING)).success).toBe(true)
  expect(definitionSchema.safeParse(deep(PAYLOAD_DEPTH_CEILING + 1)).success).toBe(false)
  expect(SETTINGS.BODY_DEPTH_MAX.max).toBe(PAYLOAD_DEPTH_CEILING)
})

test('whoever writes `batch` at a push node today is told the word for it', () => {
  const read = definitionSchema.safeParse({ nodes: [push({ batch: true })] })
  expect(read.error?.issues.map(({ message }) => message).join()).toContain('"array": "whole"')
})
