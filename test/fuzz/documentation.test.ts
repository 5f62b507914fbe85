import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { TARGETS } from '../../fuzz/targets.ts'

const readme = readFileSync(new URL('../../fuzz/README.md', import.meta.url), 'utf8')

test('the table of targets is that of the program, line by line', () => {
  const rows = [...readme.matchAll(/^\| `.*$/gm)].map(([row]) => row)
  expect(rows).toEqual(TARGETS.map(({ name, reads, promise }) => `| \`${name}\` | ${reads} | ${promise} |`))
})
