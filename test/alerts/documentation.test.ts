import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { CONDITIONS, channelConfigSchema, interestFields, whenSchema } from '../../src/alerts/alerts.ts'

const documentation = readFileSync(new URL('../../docs/alerts.md', import.meta.url), 'utf8')
const examplesOf = (kind: string) =>
  [...documentation.matchAll(new RegExp(`\`\`\`json ${kind}\n(.*?)\`\`\``, 'gs'))].map(
    ([, text = '']) => text,
  )

describe('docs/alerts.md', () => {
  test.each([...CONDITIONS.values()])(
    '$name stands there with its limits and their defaults',
    (condition) => {
      const row = documentation.split('\n').find((line) => line.startsWith(`| \`${condition.name}\` |`)) ?? ''
      const [, , about, , , limits = ''] = row.split('|').map((cell) => cell.trim())
      expect(about).toBe(condition.about)
      const { properties = {} } = z.toJSONSchema(condition.limits, { io: 'input' })
      const written = Object.entries(properties).map(([name, schema]) => {
        const usual = typeof schema === 'object' ? schema.default : undefined
        return usual === undefined ? `\`${name}\`, no default` : `\`${name}\` ${usual}`
      })
      expect(limits).toBe(written.join(', '))
    },
  )

  test('names no condition that there is not', () => {
    const named = [
      ...documentation.matchAll(/^\| `([a-z]+_?[a-z]*)` \| (?:integration|destination|edge) \|/gm),
    ]
    expect(named.map(([, name]) => name).toSorted()).toEqual([...CONDITIONS.keys()].toSorted())
  })

  test('shows rules and channels that can be made', () => {
    const [rules, channels] = [examplesOf('rule'), examplesOf('channel')]
    expect(rules.length).toBeGreaterThan(2)
    expect(channels.length).toBeGreaterThan(2)
    for (const text of rules) whenSchema.parse(JSON.parse(text).when)
    for (const text of channels) {
      const { name: _name, config, ...interest } = JSON.parse(text)
      channelConfigSchema.parse(config)
      z.strictObject(interestFields).parse(interest)
    }
  })

  test('names every option of a channel', () => {
    const schema = z.toJSONSchema(channelConfigSchema, { io: 'input', unrepresentable: 'any' })
    const options = (schema.anyOf ?? schema.oneOf ?? []).flatMap((kind) =>
      Object.keys((kind as { properties: object }).properties),
    )
    expect(options).toEqual(expect.arrayContaining(['host', 'secret', 'failedAttempts']))
    const all = [...options, ...Object.keys(interestFields)]
    expect(all.filter((option) => !documentation.includes(`\`${option}\``))).toEqual([])
  })
})
