import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Outside, outsideOver } from '../../src/cli/outside.ts'
import { createOutbound, type Outbound } from '../../src/outbound/outbound.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'

let vendor: Receiver
let outbound: Outbound
let outside: Outside

beforeAll(async () => {
  vendor = await startReceiver()
  const allowed = [{ host: '127.0.0.1', port: vendor.port }]
  outbound = createOutbound({ allowed, log: { warn: () => {} } })
  outside = outsideOver(outbound)
})
afterAll(async () => {
  await outbound.close()
  await vendor.close()
})

const list = () => outside.fetchText(`${vendor.url}/list`)
const visit = () => outside.visit(`${vendor.url}/confirm?id=1`)

test('a document is asked for with a name, as vendors want it', async () => {
  vendor.answerWith({ status: 200, body: '{"hooks":["ü"]}' })
  expect(await list()).toEqual({ ok: true, text: '{"hooks":["ü"]}' })
  expect(vendor.requests.at(-1)).toMatchObject({
    method: 'GET',
    url: '/list',
    headers: { 'user-agent': expect.stringMatching(/^Sluice\/\d/) },
  })
})

describe('nothing is taken for a document', () => {
  test('that is not answered 200; redirects are not followed', async () => {
    vendor.answerWith({ mode: 'redirect', location: '/elsewhere' })
    const before = vendor.requests.length
    expect(await list()).toEqual({ ok: false, message: `127.0.0.1:${vendor.port} answered 302` })
    vendor.answerWith(204)
    expect(await list()).toMatchObject({ ok: false })
    expect(vendor.requests.length - before).toBe(2)
  })

  test('that is larger than any list', async () => {
    vendor.answerWith({ mode: 'flood', bytes: 64 * 1024 * 1024 })
    expect(await list()).toMatchObject({ ok: false, message: expect.stringContaining('larger than') })
  })

  test('that breaks off, or lies inside', async () => {
    vendor.answerWith({ mode: 'cut' })
    expect(await list()).toMatchObject({ ok: false })
    const inside = await startReceiver()
    expect(await outside.fetchText(`${inside.url}/list`)).toMatchObject({ ok: false })
    expect(await outside.visit(`${inside.url}/`)).toMatchObject({ ok: false })
    expect(inside.requests).toEqual([])
    await inside.close()
  })

  test('that does not come before the signal', async () => {
    vendor.answerWith({ mode: 'hang' })
    const fetched = await outside.fetchText(`${vendor.url}/list`, AbortSignal.timeout(50))
    expect(fetched).toMatchObject({ ok: false })
  })
})

test('a visit tells the status, asks once, and follows nothing', async () => {
  const before = vendor.requests.length
  vendor.answerWith({ mode: 'redirect', location: '/elsewhere' })
  expect(await visit()).toEqual({ ok: true, status: 302 })
  vendor.answerWith({ mode: 'reset' })
  expect(await visit()).toEqual({ ok: false, message: expect.any(String) })
  expect(vendor.requests.slice(before).map(({ url }) => url)).toEqual(['/confirm?id=1', '/confirm?id=1'])
})
