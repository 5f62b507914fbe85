import { z } from 'zod'
import { Failure } from '../failure.ts'
import { type Transform, transform } from '../transform.ts'
import { onText } from './scalar-text.ts'
import { TEXT_CHARACTERS_MAX, tooLong } from './text-length.ts'

const PADDED_LENGTH_MAX = 1_000
/** As many as a body may have elements. */
const PIECES_MAX = 100_000
/** Not by `toLocaleString`: its formats would take as long to load, at every start, as all of this file. */
const PIECES_MAX_SHOWN = `${PIECES_MAX / 1_000},000`
const ARGUMENT_LENGTH_MAX = 1_000

const shortText = z.string().max(ARGUMENT_LENGTH_MAX)
const padding = z.union(
  [
    z.number().int().min(0).max(PADDED_LENGTH_MAX),
    z.strictObject({
      length: z.number().int().min(0).max(PADDED_LENGTH_MAX),
      with: z.string().min(1).max(10).optional(),
    }),
  ],
  `expected a length of at most ${PADDED_LENGTH_MAX}, or {"length": …, "with": …}`,
)

export const textTransforms: readonly Transform[] = [
  transform({
    name: 'trim',
    on: 'each',
    args: '',
    meaning: 'Without white space at both ends.',
    examples: [{ from: '  Ada ', to: 'Ada' }],
    schema: z.undefined(),
    make: () => onText((text) => text.trim()),
  }),
  transform({
    name: 'upper',
    on: 'each',
    args: '',
    meaning: 'In capitals.',
    examples: [{ from: 'de', to: 'DE' }],
    schema: z.undefined(),
    make: () => onText((text) => text.toUpperCase()),
  }),
  transform({
    name: 'lower',
    on: 'each',
    args: '',
    meaning: 'In small letters.',
    examples: [{ from: 'Ada@Example.COM', to: 'ada@example.com' }],
    schema: z.undefined(),
    make: () => onText((text) => text.toLowerCase()),
  }),
  transform({
    name: 'capitalise',
    on: 'each',
    args: '',
    meaning: 'With the first letter in capitals; the others stay.',
    examples: [{ from: 'élan vital', to: 'Élan vital' }],
    schema: z.undefined(),
    make: () => onText(capitalised),
  }),
  transform({
    name: 'replace',
    on: 'each',
    args: '`{"search": "text", "with": "text"}`',
    meaning: 'Every occurrence of a text (never a pattern) replaced.',
    examples: [{ from: '1.234.567', args: { search: '.', with: '' }, to: '1234567' }],
    schema: z.strictObject({ search: shortText.min(1), with: shortText }),
    make: (args) => onText((text) => replaced(text, args.search, args.with)),
  }),
  transform({
    name: 'slice',
    on: 'each',
    args: '`{"from": 0, "to": 3}`, either may be left out, negative counts from the end',
    meaning: 'A part of a text, counted in characters (an emoji is never cut in half).',
    examples: [
      { from: 'ABC-1234', args: { from: 4 }, to: '1234' },
      { from: 'ABC-1234', args: { from: -2 }, to: '34' },
    ],
    schema: z.strictObject({ from: z.number().int().optional(), to: z.number().int().optional() }),
    make: (args) => onText((text) => sliced(text, args.from, args.to)),
  }),
  transform({
    name: 'truncate',
    on: 'each',
    args: 'the greatest number of characters',
    meaning: 'The beginning of a text that is too long.',
    examples: [{ from: 'Long street name 12', args: 11, to: 'Long street' }],
    schema: z.number().int().min(0),
    make: (args) => onText((text) => (text.length <= args ? text : sliced(text.slice(0, 2 * args), 0, args))),
  }),
  transform({
    name: 'padStart',
    on: 'each',
    args: 'a length, or `{"length": 8, "with": "0"}`',
    meaning: 'Filled at the start up to a length, with `0` unless another text is named.',
    examples: [
      { from: 42, args: 6, to: '000042' },
      { from: 'x', args: { length: 3, with: '*' }, to: '**x' },
    ],
    schema: padding,
    make: (args) => {
      const { length, with: fill = '0' } = typeof args === 'number' ? { length: args } : args
      return onText((text) => text.padStart(length, fill))
    },
  }),
  transform({
    name: 'prefix',
    on: 'each',
    args: 'a text',
    meaning: 'With a text before it.',
    examples: [{ from: 1001, args: 'ORD-', to: 'ORD-1001' }],
    schema: shortText,
    make: (args) => onText((text) => `${args}${text}`),
  }),
  transform({
    name: 'suffix',
    on: 'each',
    args: 'a text',
    meaning: 'With a text after it.',
    examples: [{ from: 7, args: ' kg', to: '7 kg' }],
    schema: shortText,
    make: (args) => onText((text) => `${text}${args}`),
  }),
  transform({
    name: 'split',
    on: 'each',
    args: 'the separator',
    meaning: `A text as a list of its parts, at most ${PIECES_MAX_SHOWN} of them; blank text is an empty list.`,
    examples: [
      { from: 'red,green', args: ',', to: ['red', 'green'] },
      { from: '', args: ',', to: [] },
    ],
    schema: shortText.min(1),
    make: (args) => onText((text) => pieces(text, args)),
  }),
  transform({
    name: 'blankToNull',
    on: 'each',
    args: '',
    meaning: 'Text without any character but white space becomes null, so that the rule’s `default` applies.',
    examples: [
      { from: ' ', to: null },
      { from: 'x', to: 'x' },
    ],
    schema: z.undefined(),
    make: () => (value) => (typeof value === 'string' && value.trim() === '' ? null : value),
  }),
]

function capitalised(text: string): string {
  const first = text.slice(0, /^[\ud800-\udbff][\udc00-\udfff]/.test(text) ? 2 : 1)
  return first.toUpperCase() + text.slice(first.length)
}

function replaced(text: string, search: string, by: string): string | Failure {
  const longer = by.length - search.length
  // The text that a stranger sent may hold what is searched for millions of times.
  if (longer > 0 && text.length + longer * occurrences(text, search) > TEXT_CHARACTERS_MAX) return tooLong()
  // A function, because in replacement text `$&` and `$1` would have a meaning.
  return text.replaceAll(search, () => by)
}

function occurrences(text: string, search: string): number {
  let count = 0
  for (let at = text.indexOf(search); at !== -1; at = text.indexOf(search, at + search.length)) count += 1
  return count
}

/** By characters; a text without halves of them is cut as it is, which costs nothing. */
function sliced(text: string, from: number | undefined, to: number | undefined): string {
  return /[\ud800-\udfff]/.test(text) ? [...text].slice(from, to).join('') : text.slice(from, to)
}

function pieces(text: string, separator: string): string[] | Failure {
  if (text.trim() === '') return []
  const parts = text.split(separator, PIECES_MAX + 1)
  return parts.length > PIECES_MAX ? new Failure(`more than ${PIECES_MAX} parts`) : parts
}
