import { z } from 'zod'
import { type Json, stringifyExact } from '../payload/exact-json.ts'
import { type HiddenTexts, joinTexts, redactFields, textsBehind } from '../payload/redact-fields.ts'
import { pathSchema } from './payload-path.ts'

const NAMES_MAX = 100

const fieldsSchema = z.array(pathSchema).max(NAMES_MAX).default([])

/** What of a sender's requests is not shown, or not even written down. */
export const redactSchema = z
  .strictObject({
    headers: z
      .array(
        z
          .string()
          .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'is no name of a header')
          .toLowerCase(),
      )
      .max(NAMES_MAX)
      .default([])
      .describe('headers whose values are never written down'),
    parameters: z
      .array(z.string().min(1).max(200).toLowerCase())
      .max(NAMES_MAX)
      .default([])
      .describe('parameters of the query whose values are never written down'),
    fields: fieldsSchema.describe(
      'paths of the payload that nobody is shown; nodes and destinations get them. A key or [] holds for lists and ' +
        'single values alike, and **.email is that key at any depth',
    ),
    drop: fieldsSchema.describe(
      'paths of the payload that are never written down: nodes and destinations get *** too',
    ),
    results: z
      .enum(['mask', 'hide'])
      .default('mask')
      .describe(
        'what nodes and destinations make of it. mask: the values are looked for in it and masked, which does not ' +
          'find what was derived from them; hide: nothing of it is shown',
      ),
    eraseAfterHours: z
      .int()
      .min(0)
      .max(87_600)
      .nullable()
      .default(null)
      .describe(
        'the values of fields are erased when their event has ended, so long after its receipt at the earliest; null ' +
          'for when they are dropped with the rest',
      ),
  })
  .refine(
    ({ headers, parameters, fields, drop }) =>
      [headers, parameters, fields, drop].some((one) => one.length > 0),
    'names nothing',
  )

export type Redact = z.infer<typeof redactSchema>
type Rules = { redact: Redact | null } | undefined

/** Whether anything of the payload is redacted. */
export function redactsPayload(redact: Redact | null | undefined): redact is Redact {
  return redact != null && redact.fields.length + redact.drop.length > 0
}

/**
 * What must not be shown of anything that was made of an event; undefined when all of it may be. What was redacted at
 * its receipt stays so, and what its integration redacts today is added.
 *
 * @param rules of its integration: as of its run, and as of today
 */
export function hiddenOf(
  event: { payload(): Json; shown: Json | undefined },
  rules: readonly Rules[],
): HiddenTexts | undefined {
  const redacts = rules.flatMap((rule) => (redactsPayload(rule?.redact) ? rule.redact : []))
  if (redacts.length === 0 && event.shown === undefined) return undefined
  if (redacts.some(({ results }) => results === 'hide')) return 'everything'
  const payload = event.payload()
  return joinTexts(
    event.shown === undefined ? [] : textsBehind(payload, event.shown),
    ...redacts
      .flatMap(({ fields, drop }) => [fields, drop])
      .map((paths) => redactFields(payload, paths).texts),
  )
}

/** The payload as it is shown; undefined when that is as it is. */
export function shownOf(
  event: { payload(): Json; shown: Json | undefined },
  rules: readonly Rules[],
): Json | undefined {
  const redacts = rules.flatMap((rule) => (redactsPayload(rule?.redact) ? rule.redact : []))
  if (redacts.length === 0) return event.shown
  return redacts.reduce(
    (shown, { fields, drop }) => redactFields(redactFields(shown, fields).masked, drop).masked,
    event.shown ?? event.payload(),
  )
}

/** What is written down of a payload that comes in. */
export interface KeptPayload {
  /** Exact JSON text, without what is dropped; as it was given where nothing is. */
  payload: string | null
  /** What is shown in its place; null where that is no other. */
  shown: string | null
  /** What is not shown, or not kept. */
  hidden: HiddenTexts
}

/** @param payload exact JSON text, or null where it is kept elsewhere as it stands */
export function keptPayload(redact: Redact | null, payload: string | null, value: () => Json): KeptPayload {
  if (!redactsPayload(redact)) return { payload, shown: null, hidden: [] }
  const dropped = redactFields(value(), redact.drop)
  const masked = redactFields(dropped.masked, redact.fields)
  return {
    payload: redact.drop.length === 0 ? payload : stringifyExact(dropped.masked),
    shown: redact.fields.length === 0 ? null : stringifyExact(masked.masked),
    hidden: joinTexts(dropped.texts, masked.texts),
  }
}

/** A body that is redacted is kept for the work alone, and only where nothing of it is to be dropped. */
export function mayKeepBody(redact: Redact | null | undefined, isWork: boolean): boolean {
  return !redactsPayload(redact) || (redact.drop.length === 0 && isWork)
}

const HOUR_MS = 3_600_000

/** The moment from which something of an event is to be erased once it has ended, ISO 8601; null for none. */
export function eraseAtOf(
  receivedAt: Date,
  { redact, contentDays }: { redact: Redact | null; contentDays: number | null },
): string | null {
  const fieldsHours = redact && redact.fields.length > 0 ? redact.eraseAfterHours : null
  const hours = [fieldsHours, contentDays === null ? null : contentDays * 24].filter((one) => one !== null)
  if (hours.length === 0) return null
  return new Date(receivedAt.getTime() + Math.min(...hours) * HOUR_MS).toISOString()
}
