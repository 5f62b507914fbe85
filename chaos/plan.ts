import type { Chance } from './chance.ts'
import type { Fault, SeveralFault } from './faults/fault.ts'
import { FAULTS, RANDOM, RANDOM_DOES, SEVERAL_FAULTS } from './faults/faults.ts'

/** A stretch of time under load with one fault, or with all of them mixed. */
export interface Phase {
  /** Its requests are numbered by it. */
  index: number
  name: string
  does: string
  place: Place
  /** One is done again and again; of several, up to three at a time. */
  faults: readonly Fault[]
  seconds: number
}

/** The installation in which it happens. Phases of the same place share one. */
export interface Place {
  kind: 'several' | 'embedded'
  onSmallDisk: boolean
}

export interface Plan {
  phases: Phase[]
  /** What this machine does not allow. */
  impossible: { name: string; why: string }[]
  /** What there is no time for. */
  leftOut: string[]
}

export interface PlanOptions {
  seconds: number
  /** What was asked for; undefined for as much of everything as there is time for. */
  names: readonly string[] | undefined
  obstacleTo(fault: Pick<Fault, 'needs'>): string | undefined
}

/** Less is too short for a fault to begin, to last and to be got over under load. */
const PHASE_SECONDS_MIN = 5

/** So many seconds leave time for all faults. */
export const SECONDS_FOR_ALL = (FAULTS.length + 1) * PHASE_SECONDS_MIN

export function planRound({ seconds, names, obstacleTo }: PlanOptions, chance: Chance): Plan {
  const possible = (fault: Fault) => obstacleTo(fault) === undefined
  const asked = names ?? [RANDOM, ...chance.shuffled(FAULTS.map(({ name }) => name))]
  const known = asked.map((name) => draft(name, SEVERAL_FAULTS.filter(possible)))
  const impossible = known.flatMap(({ name, faults: [only, ...others] }) => {
    const why = only && others.length === 0 ? obstacleTo(only) : undefined
    return why === undefined ? [] : [{ name, why }]
  })
  const drafts = known.filter(({ name }) => !impossible.some((one) => one.name === name))
  const room =
    names === undefined ? Math.max(1, Math.floor(seconds / PHASE_SECONDS_MIN)) : Number.POSITIVE_INFINITY
  const chosen = drafts.slice(0, room)
  const each = seconds / Math.max(1, chosen.length)
  return {
    phases: byPlace(chosen).map((phase, index) => ({ ...phase, index, seconds: each })),
    impossible,
    leftOut: drafts.slice(room).map(({ name }) => name),
  }
}

type Draft = Omit<Phase, 'index' | 'seconds'>

function draft(name: string, mixed: readonly SeveralFault[]): Draft {
  if (name === RANDOM) {
    const onSmallDisk = mixed.some(needsSmallDisk)
    return { name, does: RANDOM_DOES, faults: mixed, place: { kind: 'several', onSmallDisk } }
  }
  const fault = FAULTS.find((one) => one.name === name)
  if (!fault) throw new Error(`there is no fault ${name}`)
  const place = { kind: fault.on, onSmallDisk: needsSmallDisk(fault) }
  return { name, does: fault.does, faults: [fault], place }
}

function needsSmallDisk({ needs = [] }: Fault): boolean {
  return needs.includes('small disk')
}

/** One installation after the other, those on an ordinary disk first. */
function byPlace(drafts: readonly Draft[]): Draft[] {
  const rank = ({ place }: Draft) => (place.kind === 'several' ? 0 : 2) + (place.onSmallDisk ? 1 : 0)
  return drafts.toSorted((one, other) => rank(one) - rank(other))
}

export function isSamePlace(one: Place, other: Place): boolean {
  return one.kind === other.kind && one.onSmallDisk === other.onSmallDisk
}
