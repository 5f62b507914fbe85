/** What the simulator sends is believed by the vendors' own libraries, and what is wrong on purpose is not. */
import { describe, expect, test } from 'vitest'
import { type RequestOptions, signedRequest, wrongKindsOf } from '../../src/simulator/simulator.ts'
import { OFFICIAL_LIBRARIES, type OfficialLibrary, type Received } from '../sources/official-libraries.ts'

const SIMULATED = OFFICIAL_LIBRARIES.filter(({ simulated }) => simulated !== null)

describe.each(SIMULATED.map((library) => [library.name, library] as const))('%s', (_name, library) => {
  const options = optionsFor(library)

  test('believes a right request', async () => {
    const received = receivedOf(library, options)
    expect(await library.believes(library.secret, received)).toBe(true)
  })

  test.each(wrongKindsOf(library.source, options))(
    'does not believe one that is wrong by its %s',
    async (wrong) => {
      const received = receivedOf(library, { ...options, wrong })
      expect(await library.believes(library.secret, received)).toBe(false)
    },
  )
})

/** The libraries judge by the time it is. */
function optionsFor({ secret, simulated }: OfficialLibrary): RequestOptions {
  return {
    url: 'https://hooks.example.com/integration/abc',
    now: new Date(),
    event: 'one',
    secret,
    ...simulated,
  }
}

function receivedOf({ source }: OfficialLibrary, options: RequestOptions): Received {
  const { url, headers, body } = signedRequest(source, options)
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  return { url, headers: Object.fromEntries(lower), body: body.toString() }
}
