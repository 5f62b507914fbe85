import type { Chance } from '../chance.ts'
import type { Embedded, Several } from '../world/installation.ts'

/** Takes the cause away again. Resolves when that is done; what it did to Sluice may last longer. */
export type Lift = () => Promise<void>

interface FaultFacts {
  /** Plain, for `--faults` and the report. */
  name: string
  /** What is done, in half a sentence. */
  does: string
  /** Of what is done to the same thing, nothing is done at the same moment. */
  to: 'edges' | 'workers' | 'sandbox' | 'postgres' | 'way' | 'redis' | 'clock' | 'destination' | 'gateway'
  /** How long it lasts, in milliseconds. What happens in a moment lasts for none. */
  lastsMs: readonly [min: number, max: number]
  needs?: readonly Need[]
}

/** `process table`: to find the processes of somebody else. */
export type Need = 'small disk' | 'process table'

/** One that is done to several processes. */
export interface SeveralFault extends FaultFacts {
  on: 'several'
  begin(site: Several, chance: Chance): Promise<Lift>
}

/** One that is done to a single process with everything embedded. */
export interface EmbeddedFault extends FaultFacts {
  on: 'embedded'
  begin(site: Embedded, chance: Chance): Promise<Lift>
}

export type Fault = SeveralFault | EmbeddedFault

/** Any of these, where there may be none. */
export function anyOf<T>(of: readonly T[], chance: Chance): T {
  const [first, ...others] = of
  if (first === undefined) throw new Error('there is nothing to choose from')
  return chance.one([first, ...others])
}

/** For `lastsMs`. */
export const MOMENT = [0, 0] as const
export const SHORT = [1_500, 3_000] as const
