import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { FAULTS, RANDOM, RANDOM_DOES } from '../../chaos/faults/faults.ts'

const README = new URL('../../chaos/README.md', import.meta.url)

test("the chaos' README has every fault in its table", () => {
  const rows = [...FAULTS, { name: RANDOM, does: RANDOM_DOES }].map(
    ({ name, does }) => `| \`${name}\` | ${does} |`,
  )
  const text = readFileSync(README, 'utf8')
  const place = /(<!-- table: faults -->\n)[\s\S]*?(<!-- \/table -->)/
  expect(text).toMatch(place)
  const table = ['| fault | what is done |', '|---|---|', ...rows].join('\n')
  const wanted = text.replace(place, (_all, start: string, end: string) => `${start}\n${table}\n\n${end}`)
  if (process.env.UPDATE_DOCS === '1') writeFileSync(README, wanted)
  else expect(text).toBe(wanted)
})
