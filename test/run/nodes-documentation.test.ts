import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nodeSchema } from '../../src/integrations/integrations.ts'
import { parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import { openRoad, type Road } from '../road/world.ts'
import { eventually } from '../world/eventually.ts'

const documentation = readFileSync(new URL('../../docs/nodes.md', import.meta.url), 'utf8')

interface Block {
  /** What stands behind the language. */
  what: string
  text: string
}

/** An example is a definition, and the blocks up to the next one. */
const examples = [...documentation.matchAll(/```(?:json|js) ([^\n]+)\n(.*?)```/gs)]
  .map(([, what = '', text = '']): Block => ({ what, text }))
  .reduce<Block[][]>((all, block) => {
    if (block.what === 'definition') all.push([])
    all.at(-1)?.push(block)
    return all
  }, [])

let road: Road
let destination: string
let answers: { status: number; body?: string }[]

beforeAll(async () => {
  road = await openRoad()
  destination = await road.destination('/sent')
  road.receiver.answerWith(({ url }) => {
    if (url === '/sent') return 200
    const answer = answers.shift() ?? { status: 500 }
    return { ...answer, headers: { 'content-type': 'application/json' } }
  })
})
afterAll(() => road.close())

test('every kind of node has an example', () => {
  const kinds = nodeSchema.options.map(({ shape }) => shape.kind.value)
  const shown = examples.map(([definition]) => definition?.text ?? '').join('\n')
  for (const kind of kinds) {
    expect(documentation).toContain(`## ${kind}\n`)
    expect(shown).toContain(`"kind": "${kind}"`)
  }
  expect(examples.length).toBeGreaterThan(6)
})

test('every field of a node that has a table stands in it', () => {
  for (const { shape } of nodeSchema.options) {
    const kind = shape.kind.value
    const [, section = ''] = documentation.split(`\n## ${kind}\n`)
    const [own = ''] = section.split('\n## ')
    const missing = Object.keys(shape).filter(
      (field) => field !== 'kind' && field !== 'id' && !own.includes(field),
    )
    expect(missing, kind).toEqual([])
  }
})

test.each(examples.map((blocks) => ({ blocks, name: blocks[0]?.text.slice(0, 200) })))(
  'documented definition $name',
  async ({ blocks }) => {
    const find = (what: string) => blocks.find((block) => block.what === what)?.text
    const answer = blocks.find(({ what }) => what.startsWith('answer'))
    answers = [
      ...(answer?.what === 'answer after a 503' ? [{ status: 503 }] : []),
      ...(answer ? [{ status: 200, body: answer.text }] : []),
    ]
    const known = ['definition', 'payload', 'sent', 'reply', answer?.what]
    for (const { what, text } of blocks)
      if (!known.includes(what)) await road.api.rewriteFunction(road.shop, what, here(text))
    const { nodes, ...more } = JSON.parse(here(find('definition') ?? ''))
    const id = await road.integration(nodes, more)
    road.receiver.requests.length = 0
    const said = await road.world.send(id, find('payload') ?? '')
    expect(said.status).toBe(200)
    const reply = find('reply')
    if (reply !== undefined) expect(parseExact(said.body)).toStrictEqual(parseExact(reply))
    const sent = find('sent')
    if (sent === undefined) return
    await eventually(async () => {
      expect(await road.api.events(`?integrationId=${id}`)).toMatchObject([{ state: 'delivered' }])
    })
    const came = road.receiver.requests
      .filter(({ url }) => url === '/sent')
      .map(({ body }) => body.toString())
    const wanted = (parseExact(sent) as unknown[]).map((item) => stringifyExact(item as never))
    expect(came.toSorted()).toEqual(wanted.toSorted())
  },
)

/** The documented systems are all at the receiver. */
function here(text: string): string {
  return text
    .replaceAll('<destination>', destination)
    .replaceAll(/https:\/\/(crm|stock)\.example/g, road.receiver.url)
    .replaceAll('"stock.example"', `"127.0.0.1:${road.receiver.port}"`)
}
