/** What the vendors' own libraries sign is accepted by a running gateway, and refused when it is changed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OFFICIAL_LIBRARIES, type OfficialLibrary, type Signed } from '../sources/official-libraries.ts'
import { eventually } from '../world/eventually.ts'
import { type EdgeWorld, startEdge } from './world.ts'

let world: EdgeWorld

beforeAll(async () => {
  world = await startEdge()
})
afterAll(() => world.close())

describe.each(OFFICIAL_LIBRARIES.map((library) => [library.name, library] as const))(
  '%s',
  (_name, library) => {
    test('signs what is accepted, once for each event', async () => {
      const id = await integrationFor(library, library.secret)
      for (const event of ['EVENT000000000001', 'EVENT000000000002', 'EVENT000000000002']) {
        expect(await send(id, await signed(library, id, event))).toMatchObject({ status: 200 })
      }
      const states = (await world.api.events(`?integrationId=${id}`)).map(
        ({ state }: { state: string }) => state,
      )
      expect(states.toSorted()).toEqual(['duplicate', 'queued', 'queued'])
    })

    test('signs no other body', async () => {
      const id = await integrationFor(library, library.secret)
      const message = await signed(library, id, 'EVENT000000000003')
      const changed = { ...message, body: library.change(message.body) }
      expect(changed.body).not.toBe(message.body)
      expect((await send(id, changed)).status).toBe(401)
      expect(await world.api.events(`?integrationId=${id}`)).toEqual([])
      await expectReason(id, /^signed with another secret|^the secret is right, but the body was changed/)
    })

    test('signs nothing with another secret', async () => {
      const other = library.secret.replace(/\d/, (digit) => String(9 - Number(digit)))
      const id = await integrationFor(library, other === library.secret ? `${other}x` : other)
      expect((await send(id, await signed(library, id, 'EVENT000000000004'))).status).toBe(401)
      await expectReason(id, /^signed with another secret/)
    })
  },
)

function integrationFor({ source, settings }: OfficialLibrary, secret: string): Promise<string> {
  return world.integration({ source, proof: { secrets: [{ secret }], ...settings } })
}

async function signed(library: OfficialLibrary, id: string, event: string): Promise<Signed> {
  return library.sign(library.secret, event, `${world.gateway.url}/integration/${id}`)
}

function send(id: string, { query, headers, body }: Signed) {
  return world.ask(`/integration/${id}${query === undefined ? '' : `?${query}`}`, { headers, body })
}

async function expectReason(id: string, reason: RegExp): Promise<void> {
  await eventually(async () => {
    const [request] = await world.requests(`integrationId=${id}`)
    expect(request).toMatchObject({ outcome: 'unproven', detail: expect.stringMatching(reason) })
  })
}
