import { readFileSync } from 'node:fs'
import { isObject, type Json, parseExact, setKey } from '../payload/exact-json.ts'
import { type PathStep, parsePath, valueAt } from '../payload/path.ts'
import type { Body, Imitation, Occasion, Sample } from './imitation.ts'
import { SimulationError } from './problem.ts'
import { FORM_TYPE, JSON_TYPE } from './write-body.ts'

const texts = new Map<string, string>()

/** The sample of a source, as a new event. */
export function sampleBody({ sample }: Imitation, occasion: Occasion): Body {
  const value = renewed(parseExact(textOf(sample.file)), sample.renew(occasion))
  return { contentType: contentTypeOf(sample, occasion), bytes: Buffer.from(sample.write(value, occasion)) }
}

/**
 * A body of somebody's own, as a new event: what the sample gets anew, it gets where it has the same paths.
 *
 * @throws SimulationError for a body that is not written as the source writes.
 */
export function renewedBody({ sample, title }: Imitation, given: Body, occasion: Occasion): Body {
  const contentType = contentTypeOf(sample, occasion)
  const value = readAs(contentType, given.bytes.toString('utf8'))
  if (value === undefined)
    throw new SimulationError(`${title} writes ${contentType}, and the body is not: it cannot be renewed`)
  const text = sample.write(renewed(value, sample.renew(occasion)), occasion)
  return { contentType: given.contentType, bytes: Buffer.from(text) }
}

/** Of the bodies that the source writes. */
export function contentTypeOf({ contentType }: Sample, occasion: Occasion): string {
  return typeof contentType === 'string' ? contentType : contentType(occasion)
}

function textOf(file: string): string {
  const known = texts.get(file)
  if (known !== undefined) return known
  const text = readFileSync(new URL(`bodies/${file}`, import.meta.url), 'utf8')
  texts.set(file, text)
  return text
}

/** A form with a `payload` carries JSON in that field, and its writer puts it there again. */
function readAs(contentType: string, text: string): Json | undefined {
  try {
    if (contentType.startsWith(JSON_TYPE)) return parseExact(text)
    const fields = new URLSearchParams(text)
    const payload = fields.get('payload')
    if (payload !== null) return parseExact(payload)
    return contentType.startsWith(FORM_TYPE) ? Object.fromEntries(fields) : undefined
  } catch {
    return undefined
  }
}

function renewed(body: Json, values: Record<string, Json>): Json {
  for (const [path, value] of Object.entries(values)) {
    const steps = parsePath(path)
    const last = steps.at(-1)
    const holder = valueAt(body, steps.slice(0, -1))
    if (last !== undefined && holder !== undefined) replace(holder, last, value)
  }
  return body
}

function replace(holder: Json, step: PathStep, value: Json): void {
  if (step === 'each') return
  if ('index' in step && Array.isArray(holder) && step.index < holder.length) holder[step.index] = value
  if ('key' in step && isObject(holder) && Object.hasOwn(holder, step.key)) setKey(holder, step.key, value)
}
