import { idsOf } from './ids.ts'
import type { Imitation, Occasion } from './imitation.ts'
import { SimulationError } from './problem.ts'
import type { RequestOptions } from './signed-request.ts'
import type { WrongKind } from './wrong.ts'

/** Further than any tolerance: a day is the widest that an integration can have. */
const WRONG_BY_MS: Partial<Record<WrongKind, number>> = { old: -2 * 86_400_000, future: 2 * 86_400_000 }

/** @throws SimulationError for an option that the source does not have, or a value that it cannot have. */
export function occasionOf(imitation: Imitation, options: RequestOptions): Occasion {
  const given = options.options ?? {}
  checkOptions(imitation, given)
  const { wrong, now, event, deliveryId, topic } = options
  return {
    now,
    signedAt: new Date(now.getTime() + (wrong === undefined ? 0 : (WRONG_BY_MS[wrong] ?? 0))),
    ids: idsOf(event),
    deliveryId,
    topic: topic ?? imitation.topic ?? '',
    wrong,
    option(name) {
      const row = imitation.options[name]
      const value = given[name] ?? row?.fallback
      if (value !== undefined) return value
      throw new SimulationError(`${imitation.title} needs ${flagOf(name)}, ${row?.meaning}`)
    },
  }
}

function checkOptions(
  { options, title }: Imitation,
  given: Readonly<Record<string, string | undefined>>,
): void {
  for (const [name, value] of Object.entries(given)) {
    const row = options[name]
    if (!row) throw new SimulationError(`${title} has no ${flagOf(name)}`)
    if (value !== undefined && row.choices && !row.choices.includes(value))
      throw new SimulationError(
        `${flagOf(name)} of ${title} is one of ${row.choices.join(', ')}, not "${value}"`,
      )
  }
}

/** The option as it is written on the command line. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]|\d+$/g, (part) => `-${part.toLowerCase()}`)}`
}
