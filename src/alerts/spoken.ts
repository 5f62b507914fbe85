/** Pieces of the sentences that people read. */

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const

/** In the largest unit of which there are two: `90 minutes`, `2 hours`. */
export function spokenSpan(ms: number): string {
  const [unit, unitMs] = UNITS.find(([, size]) => ms >= 2 * size) ?? (['second', 1_000] as const)
  return spokenCount(Math.floor(ms / unitMs), unit)
}

export function spokenCount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** `the last 10 runs`, `the last run` */
export function spokenLast(count: number, one: string): string {
  return `the last ${count === 1 ? one : spokenCount(count, one)}`
}

const REASON_CHARS_MAX = 300

/** A reason to follow a colon; nothing where there is none. */
export function spokenReason(reason: string | null): string {
  return reason === null ? '' : `: ${cut(onOneLine(reason), REASON_CHARS_MAX)}`
}

/** A text of somebody else that is told on one line, whatever is in it: what follows in a message is ours. */
export function onOneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, ' ')
}

export function quoted(name: string): string {
  return `"${onOneLine(name)}"`
}

/** Never leaves half a character at the end. */
export function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1).toWellFormed()}…`
}
