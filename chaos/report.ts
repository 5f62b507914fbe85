/** How a round ends: its table, for the terminal and for REPORT.md, its last line and its exit code. */
import { type Figures, lastLine } from './accounts/accounts.ts'
import { isFaulty, type RoundResult } from './conductor.ts'
import type { RoundOptions } from './options.ts'
import { type Plan, SECONDS_FOR_ALL } from './plan.ts'

const HEAD = [
  'fault',
  'acked',
  'lost',
  'duplicated',
  'slowest ack',
  'time to recover',
  'refused',
  'not taken',
  'no answer',
]
const TOTAL = 'all together'
const EXIT = { fine: 0, faulty: 1 }

/** The last line of the program, and what it exits with: 1 when anything was lost, is not as it has to be, or failed. */
export function endOf(result: Pick<RoundResult, 'total' | 'failures'>): { line: string; code: number } {
  return { line: lastLine(result.total), code: isFaulty(result) ? EXIT.faulty : EXIT.fine }
}

/** In Markdown, its columns in line. */
export function tableOf({ plan, phases, total }: RoundResult): string {
  const rows = phases.map(({ phase, faults, recoveryMs, accounts }) => [
    `${phase.name} (${faults}×)`,
    ...figures(accounts, recoveryMs === null ? 'not in time' : seconds(recoveryMs)),
  ])
  const missing = plan.impossible.map(({ name, why }) => [`${name}: not run here: ${why}`])
  const all = [HEAD, ...rows, [TOTAL, ...figures(total, '')], ...missing]
  const widths = HEAD.map((_, column) =>
    [HEAD, ...rows, [TOTAL]].reduce((most, row) => Math.max(most, (row[column] ?? '').length), 3),
  )
  const lines = all.map(
    (row) =>
      `| ${HEAD.map((_, column) => pad(row[column] ?? '', widths[column] ?? 0, column)).join(' | ')} |`,
  )
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [lines[0], rule, ...lines.slice(1), ...leftOutOf(plan)].join('\n')
}

function leftOutOf({ leftOut }: Plan): string[] {
  if (leftOut.length === 0) return []
  return ['', `Left out, because --seconds ${SECONDS_FOR_ALL} is what all need: ${leftOut.join(', ')}.`]
}

export function reportOf(options: RoundOptions, result: RoundResult): string {
  const { total, machine, phases } = result
  const notes = [...result.failures, ...result.notes]
  const facts = Object.entries(machine).map(([name, value]) => `| ${name} | ${value} |`)
  const faults = phases.map(({ phase }) => `| \`${phase.name}\` | ${phase.does} |`)
  return `# Chaos report

Written by a run. [README.md](README.md) says what is shown, how, and how to read the table.

\`\`\`sh
${commandOf(options)}
\`\`\`

**${total.acked} events were acknowledged, ${total.lost} lost, ${total.wrong} not as they have to be.** Arrivals that repeated a delivery which had arrived before: ${total.duplicated}. Events that were kept although their sender had heard nothing, or that it should come again: ${total.keptUnsaid}.

${tableOf(result)}

| what was done | |
|---|---|
${faults.join('\n')}

| where | |
|---|---|
${facts.join('\n')}
${notes.length === 0 ? '' : `\n${notes.map((note) => `- ${note.trim()}`).join('\n')}\n`}`
}

function commandOf({ seconds: given, seed, names, perSecond, retries }: RoundOptions): string {
  const words = ['npm run chaos --', `--seconds ${given}`, `--seed ${seed}`, `--rate ${perSecond}`]
  if (names) words.push(`--faults ${names.join(',')}`)
  if (!retries) words.push('--count-refused')
  return words.join(' ')
}

function figures(of: Figures, recovery: string): string[] {
  const slowest = of.slowestAckMs === null ? '' : `${Math.round(of.slowestAckMs)} ms`
  const counts = [of.refused, of.untaken, of.unknown].map(String)
  return [String(of.acked), String(of.lost), String(of.duplicated), slowest, recovery, ...counts]
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

function pad(text: string, width: number, column: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width)
}
