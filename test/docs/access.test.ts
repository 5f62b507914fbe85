import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ACCESS, describeScope } from '../../src/admin/access.ts'

const FILE = new URL('../../docs/access.md', import.meta.url)

test('docs/access.md shows the table of access', () => {
  const rows = Object.entries(ACCESS).map(([route, { role, scope }]) => {
    const [method = '', path = ''] = route.split(' ')
    return `| \`${method.toUpperCase()} ${path}\` | ${role} | ${describeScope(scope)} |`
  })
  const table = ['| | needs | a key for one application gets |', '|---|---|---|', ...rows].join('\n')
  const text = readFileSync(FILE, 'utf8')
  const place = /(<!-- table: access -->\n)[\s\S]*?(<!-- \/table -->)/
  expect(text).toMatch(place)
  const wanted = text.replace(place, (_all, start: string, end: string) => `${start}\n${table}\n\n${end}`)
  if (process.env.UPDATE_DOCS === '1') writeFileSync(FILE, wanted)
  else expect(text).toBe(wanted)
})
