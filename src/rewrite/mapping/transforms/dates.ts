import { DateTime, type DateTimeOptions } from 'luxon'
import { z } from 'zod'
import { isNumeric, type Json } from '../../../payload/exact-json.ts'
import { Failure, shown } from '../failure.ts'
import { expected, type Transform, transform } from '../transform.ts'
import { ambiguityOf } from './date-fields.ts'
import { scalarText } from './scalar-text.ts'

/** Numbers below are seconds (up to the year 5138), from here on milliseconds (from March 1973). */
const MILLISECONDS_FROM = 100_000_000_000
const TEXT_LENGTH_MAX = 100
const EPOCH = /^-?[0-9]+(\.[0-9]+)?$/
/** Shorter text is a year, or (with eight digits) a date in ISO's short form, rather than seconds of the 1970s. */
const EPOCH_TEXT_LENGTH_MIN = 9

const format = z.string().min(1).max(TEXT_LENGTH_MAX)
const zone = z
  .string()
  // "local" and "system" would make a result depend on the machine it was made on.
  .refine(
    (name) => !/^(local|system|default)$/i.test(name) && DateTime.utc().setZone(name).isValid,
    'unknown time zone',
  )
const NAMED_FORMS: readonly string[] = ['auto', 'iso', 'unix', 'unixMs', 'rfc2822', 'http']
const dates = z
  .strictObject({
    to: format,
    from: format.optional(),
    zone: zone.optional(),
    sourceZone: zone.optional(),
    locale: z.string().refine(isLocale, 'unknown locale').optional(),
  })
  .superRefine(({ from, locale }, context) => {
    const problem = from === undefined || NAMED_FORMS.includes(from) ? undefined : ambiguityOf(from, locale)
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['from'], message: problem })
  })
type Dates = z.infer<typeof dates>

export const dateTransforms: readonly Transform[] = [
  transform({
    name: 'dateFormat',
    on: 'each',
    args: '`{"to": …, "from": …, "zone": …, "sourceZone": …, "locale": …}`, all but `to` optional',
    meaning:
      'A date in another form, to the millisecond. `to`: `iso`, `isoDate`, `unix`, `unixMs`, `rfc2822`, `http`, or a ' +
      'format of Luxon such as `dd.MM.yyyy HH:mm`. `from`: `auto` (ISO 8601, `yyyy-MM-dd HH:mm:ss`, RFC 2822, HTTP, ' +
      'Unix seconds, or milliseconds from 100,000,000,000 on, as a number or as text of nine characters or more), `iso`, `unix`, `unixMs`, `rfc2822`, ' +
      '`http` or a format, in which two numbers of open length never stand side by side. `zone`: the time zone of the result, otherwise the one the date was written in. ' +
      '`sourceZone`: for dates written without one, otherwise UTC. `locale`: for names of months and days, ' +
      'otherwise `en`.',
    examples: [
      { from: '2024-01-15T10:30:00-05:00', args: { to: 'dd.MM.yyyy HH:mm' }, to: '15.01.2024 10:30' },
      {
        from: '2024-01-15 10:30:00',
        args: { to: 'iso', sourceZone: 'Europe/Berlin' },
        to: '2024-01-15T10:30:00+01:00',
      },
      {
        from: '2024-01-15T10:30:00Z',
        args: { to: 'iso', zone: 'Europe/Berlin' },
        to: '2024-01-15T11:30:00+01:00',
      },
      { from: 1705314600, args: { to: 'iso' }, to: '2024-01-15T10:30:00Z' },
      { from: '1705314600000', args: { to: 'isoDate' }, to: '2024-01-15' },
      { from: '12/8/2011 21:56', args: { from: 'M/d/yyyy H:mm', to: 'unix' }, to: 1323381360 },
    ],
    schema: dates,
    make: (args) => (value) => reformat(value, args),
  }),
]

function reformat(value: Json, args: Dates): Json | Failure {
  const text = scalarText(value)
  if (text instanceof Failure || text.length > TEXT_LENGTH_MAX) return expected('a date', value)
  const date = readDate(text.trim(), args, isNumeric(value))
  if (!date?.isValid)
    return new Failure(
      `${shown(text)} is not a date${args.from === undefined ? '' : ` in the form ${args.from}`}`,
    )
  return writeDate(args.zone === undefined ? date : date.setZone(args.zone), args.to)
}

function readDate(text: string, args: Dates, isNumber: boolean): DateTime | undefined {
  const options: DateTimeOptions = {
    setZone: true,
    zone: args.sourceZone ?? 'utc',
    locale: args.locale ?? 'en',
  }
  switch (args.from ?? 'auto') {
    case 'auto':
      return readAnyDate(text, options, isNumber)
    case 'iso':
      return readIso(text, options)
    case 'unix':
      return fromEpoch(text, 1_000, options)
    case 'unixMs':
      return fromEpoch(text, 1, options)
    case 'rfc2822':
      return DateTime.fromRFC2822(text, options)
    case 'http':
      return DateTime.fromHTTP(text, options)
    default:
      return DateTime.fromFormat(text, args.from ?? '', options)
  }
}

function readAnyDate(text: string, options: DateTimeOptions, isNumber: boolean): DateTime | undefined {
  if (EPOCH.test(text) && !/^[0-9]{8}$/.test(text)) {
    if (!isNumber && text.length < EPOCH_TEXT_LENGTH_MIN) return undefined
    return fromEpoch(text, Math.abs(Number(text)) < MILLISECONDS_FROM ? 1_000 : 1, options)
  }
  const readings = [readIso, readSql, DateTime.fromRFC2822, DateTime.fromHTTP]
  return readings.map((read) => read(text, options)).find((date) => date?.isValid)
}

/** A whole date is asked for: a bare time of day would mean today, and so a different result each day. */
function readIso(text: string, options: DateTimeOptions): DateTime | undefined {
  return /^[+-]?[0-9]{4,6}-?([0-9]{2}-?[0-9]{2}|W[0-9]{2}-?[0-9]|[0-9]{3})(T|$)/i.test(text)
    ? DateTime.fromISO(text, options)
    : undefined
}

function readSql(text: string, options: DateTimeOptions): DateTime | undefined {
  return /^[0-9]{4}-[0-9]{2}-[0-9]{2} /.test(text) ? DateTime.fromSQL(text, options) : undefined
}

function fromEpoch(text: string, unitMs: number, options: DateTimeOptions): DateTime | undefined {
  const millis = EPOCH.test(text) ? Math.trunc(Number(text) * unitMs) : Number.NaN
  // Luxon throws beyond its range instead of answering with an invalid date.
  if (!(Math.abs(millis) <= 8_640_000_000_000_000)) return undefined
  return DateTime.fromMillis(millis, { zone: options.zone ?? 'utc', locale: options.locale ?? 'en' })
}

function writeDate(date: DateTime, to: string): Json {
  switch (to) {
    case 'iso':
      return date.toISO({ suppressMilliseconds: true })
    case 'isoDate':
      return date.toISODate()
    case 'unix':
      return Math.floor(date.toMillis() / 1_000)
    case 'unixMs':
      return date.toMillis()
    case 'rfc2822':
      return date.toRFC2822()
    case 'http':
      return date.toHTTP()
    default:
      return date.toFormat(to)
  }
}

function isLocale(name: string): boolean {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(name).length > 0
  } catch {
    return false
  }
}
