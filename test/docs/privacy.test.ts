import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { definitionSchema } from '../../src/integrations/integrations.ts'
import { SETTINGS } from '../../src/platform/settings.ts'

const text = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

test.each(['SECURITY.md', 'docs/privacy.md'])('%s leads to files that are there', (file) => {
  const links = [...text(file).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link)
  const base = new URL(`../../${file}`, import.meta.url)
  expect(links.length).toBeGreaterThan(1)
  expect(links.filter((link) => !existsSync(new URL(link, base)))).toEqual([])
})

test.each(['SECURITY.md', 'docs/privacy.md'])('%s names settings that there are', (file) => {
  const named = [...text(file).matchAll(/`([A-Z][A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g)].map(
    ([, name = '']) => name,
  )
  const known = [...Object.keys(SETTINGS), 'NODE_TLS_REJECT_UNAUTHORIZED']
  expect(named.filter((name) => !known.includes(name))).toEqual([])
})

test('docs/privacy.md names every part of redact, in an example that is read', () => {
  const example = /```json\n"redact": ([\s\S]*?)\n```/.exec(text('docs/privacy.md'))?.[1] ?? ''
  const redact = JSON.parse(example)
  const read = definitionSchema.parse({ nodes: [{ id: 'map', kind: 'transform' }], redact })
  expect(Object.keys(redact).toSorted()).toEqual(Object.keys(read.redact ?? {}).toSorted())
})
