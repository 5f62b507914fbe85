import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { REFUSALS } from '../../src/edge/edge.ts'
import { STATES } from '../../src/ledger/ledger.ts'
import { SETTINGS } from '../../src/platform/settings.ts'
import { PRESETS, type Preset } from '../../src/sources/sources.ts'
import { XML_CASES } from '../payload/xml-cases.ts'

const README = new URL('../../README.md', import.meta.url)
const ARCHITECTURE = new URL('../../ARCHITECTURE.md', import.meta.url)

/** `UPDATE_DOCS=1 npx vitest run test/docs` writes the tables instead of comparing them. */
function holdTable(name: string, rows: string[]): void {
  const text = readFileSync(README, 'utf8')
  const place = new RegExp(`(<!-- table: ${name} -->\n)[\\s\\S]*?(<!-- /table -->)`)
  expect(text, `README.md has no table ${name}`).toMatch(place)
  const wanted = text.replace(
    place,
    (_all, start: string, end: string) => `${start}\n${rows.join('\n')}\n\n${end}`,
  )
  if (process.env.UPDATE_DOCS === '1') writeFileSync(README, wanted)
  else expect(text).toBe(wanted)
}

test('the README lists every refusal as the edge answers it', () => {
  const rows = Object.entries(REFUSALS).map(([reason, { status, sentence, tryAgain }]) => {
    const shown = sentence.replace('{service}', 'Retrieve').replace('{detail}', '…')
    return `| \`${reason}\` | ${status} | ${escapeCell(shown)} | ${tryAgain ? 'yes' : ''} |`
  })
  holdTable('refusals', ['| reason | status | `error` | try again |', '|---|--:|---|---|', ...rows])
})

test('the README says for every source what to type where', () => {
  const rows = [...PRESETS.values()].map(
    (preset) =>
      `| \`${preset.name}\` | ${escapeCell(preset.title)} | ${proofOf(preset)} | ${escapeCell(preset.setup)} |`,
  )
  holdTable('sources', ['| `source` | system | `proof` | at the source |', '|---|---|---|---|', ...rows])
})

/** The fields that a preset asks for; those that may be left out in brackets. */
function proofOf({ proof }: Preset): string {
  if (!proof) return 'none'
  const schema = z.toJSONSchema(proof.schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  return (schema.oneOf ?? schema.anyOf ?? [schema]).map(fieldsOf).join(' or ')
}

interface JsonSchema {
  oneOf?: JsonSchema[]
  anyOf?: JsonSchema[]
  properties?: Record<string, { const?: string }>
  required?: string[]
}

function fieldsOf({ properties = {}, required = [] }: JsonSchema): string {
  const fields = Object.entries(properties).map(([name, { const: only }]) => {
    const shown = only === undefined ? `\`${name}\`` : `\`${name}: ${only}\``
    return required.includes(name) ? shown : `[${shown}]`
  })
  return fields.length === 0 ? '`{}`' : fields.join(' ')
}

test('the README lists every setting with its default, unit and meaning', () => {
  const rows = Object.entries(SETTINGS).map(([name, row]) => {
    const { fallback, meaning, ...more } = row
    const unit = 'unit' in more && more.unit ? ` (${more.unit})` : ''
    const choices =
      'choices' in more ? ` One of ${more.choices.map((choice) => `\`${choice}\``).join(', ')}.` : ''
    return `| \`${name}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${escapeCell(`${meaning}${unit}.${choices}`)} |`
  })
  holdTable('settings', ['| setting | default | meaning |', '|---|---|---|', ...rows])
})

test('the README shows how XML becomes JSON by the cases that the reader is tested with', () => {
  const rows = XML_CASES.map(({ promise, xml, json, alwaysList }) => {
    const paths = alwaysList ? ` (\`alwaysList\`: ${alwaysList.map((path) => `\`${path}\``).join(', ')})` : ''
    return `| ${escapeCell(promise)}${paths} | ${code(visible(xml))} | ${code(JSON.stringify(json))} |`
  })
  holdTable('xml', ['| promise | XML | JSON |', '|---|---|---|', ...rows])
})

test('the README explains every state of an event', () => {
  const text = readFileSync(README, 'utf8')
  for (const state of Object.keys(STATES.event))
    expect(text).toMatch(new RegExp(`\\|[^|]*\`${state}\`[^|]*\\|`))
})

test('the diagrams of states in ARCHITECTURE.md show exactly the moves that the ledger allows', () => {
  const text = readFileSync(ARCHITECTURE, 'utf8')
  for (const [subject, table] of Object.entries(STATES)) {
    const block =
      new RegExp(`<!-- states: ${subject} -->\\s*\`\`\`mermaid\n([\\s\\S]*?)\`\`\``).exec(text)?.[1] ?? ''
    const drawn = [...block.matchAll(/^\s*([a-z]+) --> ([a-z]+)/gm)].map(([, from, to]) => `${from} → ${to}`)
    const allowed = Object.entries(table).flatMap(([from, next]) =>
      next.map((to: string) => `${from} → ${to}`),
    )
    expect(drawn.toSorted()).toEqual(allowed.toSorted())
  }
})

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

/** Characters that a table would swallow, made visible. */
function visible(xml: string): string {
  return xml.replaceAll('\n', '⏎').replaceAll('\r', '␍').replaceAll('\t', '⇥')
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}
