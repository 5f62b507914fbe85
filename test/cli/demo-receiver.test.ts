import { mkdtemp, readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, inject, test } from 'vitest'
import { type DemoReceiver, startDemoReceiver } from '../../src/cli/demo-receiver.ts'

test('the demo destination shows the latest hundred of whatever came, and its file does not grow without end', async () => {
  const home = await mkdtemp(path.join(inject('scratch'), 'demo-'))
  const receiver = await startDemoReceiver(home)
  const url = await receiver.open()
  const pad = 'x'.repeat(100)
  for (let first = 0; first < 2_500; first += 50) {
    const numbers = Array.from({ length: 50 }, (_, at) => first + at)
    const post = (number: number) => fetch(url, { method: 'POST', body: JSON.stringify({ number, pad }) })
    const answers = await Promise.all(numbers.map(post))
    expect(answers.map(({ status }) => status)).toEqual(numbers.map(() => 200))
  }
  const shown = await shownBy(url)
  expect(shown.toSorted((left, right) => left - right)).toEqual(
    Array.from({ length: 100 }, (_, at) => 2_400 + at),
  )
  const text = await readFile(path.join(home, 'demo-received.ndjson'), 'utf8')
  expect(text.split('\n').length).toBeLessThan(1_200)
  await receiver.close()
  const again: DemoReceiver = await startDemoReceiver(home)
  expect(await shownBy(await again.open())).toEqual(shown)
  await again.close()
})

async function shownBy(url: string): Promise<number[]> {
  const items = (await (await fetch(url)).json()) as { body: { number: number } }[]
  return items.map(({ body }) => body.number)
}
