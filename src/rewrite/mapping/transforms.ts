/** Every transform there is. The reference in the documentation and its tests are made from this list. */
import type { Json } from '../../payload/exact-json.ts'
import { isObject } from '../../payload/exact-json.ts'
import type { ApplyAll, Site, Transform } from './transform.ts'
import { dateTransforms } from './transforms/dates.ts'
import { listTransforms } from './transforms/lists.ts'
import { moneyTransforms } from './transforms/money.ts'
import { numberTransforms } from './transforms/numbers.ts'
import { textTransforms } from './transforms/text.ts'
import { valueTransforms } from './transforms/values.ts'

export const transforms: readonly Transform[] = [
  ...numberTransforms,
  ...moneyTransforms,
  ...textTransforms,
  ...dateTransforms,
  ...valueTransforms,
  ...listTransforms,
]

const byName: ReadonlyMap<string, Transform> = new Map(transforms.map((one) => [one.name, one]))

export interface PreparedTransform extends Pick<Transform, 'name' | 'on'> {
  readonly apply: ApplyAll
}

/**
 * Makes the step that `"name"` or `{"name": arguments}` stands for.
 *
 * @throws Error naming the transform and what is wrong.
 */
export function prepareTransform(written: Json, site: Site): PreparedTransform {
  const { name, args } = nameAndArgs(written)
  const known = byName.get(name)
  if (known === undefined) throw new RangeError(`unknown transform ${JSON.stringify(name)}`)
  try {
    return { name, on: known.on, apply: known.prepare(args, site) }
  } catch (error) {
    throw new RangeError(`transform ${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function nameAndArgs(written: Json): { name: string; args: unknown } {
  if (typeof written === 'string') return { name: written, args: undefined }
  const entries = isObject(written) ? Object.entries(written) : []
  const [entry] = entries
  if (entry === undefined || entries.length !== 1)
    throw new RangeError('a transform is "name" or {"name": arguments}')
  return { name: entry[0], args: entry[1] }
}
