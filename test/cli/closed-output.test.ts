import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../world/eventually.ts'
import { endAll, type Facts, LAUNCHER, madeHome, startSluice } from './sluice.ts'

afterEach(endAll)

test.each([
  ['whose reader has gone', 'exec "$@" > >(true)'],
  ['on a full disk', 'exec "$@" > /dev/full'],
])('a first start with a standard output %s goes on serving, and stops in order', async (_what, script) => {
  const home = await madeHome()
  const command = ['bash', '-c', script, 'bash', process.execPath, LAUNCHER, 'start']
  const sluice = startSluice(home, { command })
  const { webhookUrl, receivedUrl } = await eventually<Facts>(
    async () => JSON.parse(await readFile(path.join(home, 'dev.json'), 'utf8')),
    25_000,
  )
  const answer = await fetch(webhookUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"order":{"id":1}}',
  })
  expect(await answer.text()).toBe('{"result":true,"error":""}')
  await eventually(async () => expect(await (await fetch(receivedUrl)).json()).toHaveLength(1))
  sluice.signal('SIGTERM')
  expect(await sluice.ended()).toEqual({ code: 0, signal: null })
  expect(sluice.stderr()).toBe('')
})
