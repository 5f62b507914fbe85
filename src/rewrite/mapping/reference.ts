/** The transforms as a Markdown table, for the documentation. */
import { type Json, stringifyExact } from '../../payload/exact-json.ts'
import type { Transform } from './transform.ts'
import { transforms } from './transforms.ts'

const WORKS_ON = { each: 'each value', list: 'the list', whole: 'the whole' }

export function transformReference(): string {
  const rows = transforms.map((one) =>
    row([`\`${one.name}\``, WORKS_ON[one.on], one.args, one.meaning, examples(one)]),
  )
  return [
    row(['transform', 'works on', 'arguments', 'meaning', 'examples']),
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

function examples(one: Transform): string {
  return one.examples
    .map(
      ({ args, from, to }) => `${code(from)} ${args === undefined ? '' : `with ${code(args)} `}→ ${code(to)}`,
    )
    .join('<br>')
}

function code(value: Json): string {
  return `\`${stringifyExact(value)}\``
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
