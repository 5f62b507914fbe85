import { parseArgs } from 'node:util'
import { FAULT_NAMES, FAULTS, RANDOM, RANDOM_DOES } from './faults/faults.ts'
import { SECONDS_FOR_ALL } from './plan.ts'

export interface RoundOptions {
  /** Of load, all phases together. The way back after each comes on top. */
  seconds: number
  seed: number
  names: readonly string[] | undefined
  perSecond: number
  retries: boolean
  /** Leaves the records and the gateways' logs where they are. */
  keep: boolean
}

export type ReadOptions = { options: RoundOptions } | { help: string } | { problem: string }

const SECONDS_MAX = 86_400
const PER_SECOND_MAX = 2_000
const DEFAULTS = { seconds: SECONDS_FOR_ALL, rate: 60 }

export function readOptions(args: readonly string[]): ReadOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seconds: { type: 'string' },
        seed: { type: 'string' },
        faults: { type: 'string' },
        rate: { type: 'string' },
        'count-refused': { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return { help: helpText() }
    return {
      options: {
        seconds: numberIn('--seconds', values.seconds, DEFAULTS.seconds, 1, SECONDS_MAX),
        seed: numberIn('--seed', values.seed, Math.floor(Math.random() * 1_000_000), 0, 2 ** 32 - 1),
        names: values.faults === undefined ? undefined : namesIn(values.faults),
        perSecond: numberIn('--rate', values.rate, DEFAULTS.rate, 1, PER_SECOND_MAX),
        retries: !values['count-refused'],
        keep: values.keep,
      },
    }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

function numberIn(
  name: string,
  given: string | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  if (given === undefined) return fallback
  const number = Number(given)
  if (given.trim() === '' || !Number.isInteger(number) || number < min || number > max)
    throw new RangeError(`${name} takes a whole number from ${min} to ${max}, not "${given}"`)
  return number
}

function namesIn(given: string): string[] {
  const names = given.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !FAULT_NAMES.includes(name))
  if (unknown.length > 0)
    throw new RangeError(`there is no fault "${unknown.join('", "')}"; there are: ${FAULT_NAMES.join(', ')}`)
  return [...new Set(names)]
}

function helpText(): string {
  const rows = [...FAULTS, { name: RANDOM, does: RANDOM_DOES }].map(
    ({ name, does }) => `  ${name.padEnd(26)} ${does}`,
  )
  return `Shows that nothing acknowledged is lost, whatever fails meanwhile.

  npm run chaos -- [options]

  --seconds S      of load, all phases together (${DEFAULTS.seconds}: enough for every fault)
  --seed N         makes the same requests and the same choices of faults again (any)
  --faults a,b     only these; otherwise as many as there is time for
  --rate R         requests a second (${DEFAULTS.rate})
  --count-refused  what is refused is counted and not sent again
  --keep           leaves the records and logs in their folder, and says where it is
  --help           this

Ends with "acked N, lost N, duplicated N", and with 1 when something was lost or is not as it has to be, 2 when
the round could not be made. The table goes to chaos/REPORT.md.

Faults:
${rows.join('\n')}`
}
