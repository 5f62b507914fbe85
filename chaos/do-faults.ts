import { setTimeout as pause } from 'node:timers/promises'
import { type Chance, createChance } from './chance.ts'
import type { Fault, Lift } from './faults/fault.ts'
import type { Installation } from './world/installation.ts'

export interface DoFaultsOptions {
  site: Installation
  /** One is done again and again; of several, three at a time, each as often as the others. */
  faults: readonly Fault[]
  seed: number
  /** None begins later; each way something is done once at least. */
  lastMs: number
  say(line: string): void
  signal: AbortSignal
}

const CALM_MS = [400, 900] as const
/** Between the end of a fault and the next. */
const REST_MS = [600, 1_600] as const
const AT_ONCE_MAX = 3
const LIFT_WITHIN_MS = 60_000

/** Does faults and takes them away again. Gives how often something was done. */
export async function doFaults(options: DoFaultsOptions): Promise<number> {
  const { faults, seed } = options
  const bag = createBag(faults, createChance(seed))
  const lanes = Array.from({ length: Math.min(AT_ONCE_MAX, faults.length) }, (_, lane) =>
    // What one lane draws must not depend on how long another one takes.
    doInTurn(options, bag, createChance(seed * AT_ONCE_MAX + lane)),
  )
  return (await Promise.all(lanes)).reduce((sum, count) => sum + count, 0)
}

async function doInTurn(options: DoFaultsOptions, bag: Bag, chance: Chance): Promise<number> {
  const { lastMs, signal } = options
  let count = 0
  await sleep(chance.between(...CALM_MS), signal)
  do {
    const fault = bag.draw()
    if (fault && (await doOnce(fault, options, chance))) count += 1
    if (fault) bag.putBack(fault)
    if (performance.now() < lastMs) await sleep(chance.between(...REST_MS), signal)
  } while (performance.now() < lastMs)
  return count
}

async function doOnce(
  fault: Fault,
  { site, say, signal }: DoFaultsOptions,
  chance: Chance,
): Promise<boolean> {
  signal.throwIfAborted()
  say(`${fault.name} begins`)
  const lift = await begin(fault, site, chance).catch((error: Error) => {
    // What is to be made ill may not be well yet.
    say(`${fault.name} could not be done: ${error.message}`)
    return undefined
  })
  if (!lift) return false
  try {
    await sleep(chance.between(...fault.lastsMs), signal)
  } finally {
    await liftForSure(fault, lift)
    say(`${fault.name} is over`)
  }
  return true
}

function begin(fault: Fault, site: Installation, chance: Chance): Promise<Lift> {
  if (fault.on === 'several' && site.kind === 'several') return fault.begin(site, chance)
  if (fault.on === 'embedded' && site.kind === 'embedded') return fault.begin(site, chance)
  throw new Error(`${fault.name} is not done to this kind of installation`)
}

/** What has to be asked for it may be down at this moment. */
async function liftForSure(fault: Fault, lift: Lift): Promise<void> {
  for (const untilMs = performance.now() + LIFT_WITHIN_MS; ; ) {
    try {
      return await lift()
    } catch (error) {
      if (performance.now() > untilMs) throw new Error(`${fault.name} could not be lifted`, { cause: error })
      await pause(200)
    }
  }
}

interface Bag {
  /** None when all that are left are done to what somebody is harming already. */
  draw(): Fault | undefined
  putBack(fault: Fault): void
}

/** Gives all faults before it gives one again. */
function createBag(faults: readonly Fault[], chance: Chance): Bag {
  const busy = new Set<string>()
  let left: Fault[] = []
  const free = () => left.find(({ to }) => !busy.has(to))
  return {
    draw() {
      if (!free()) left.push(...chance.shuffled(faults))
      const fault = free()
      if (!fault) return undefined
      left = left.toSpliced(left.indexOf(fault), 1)
      busy.add(fault.to)
      return fault
    },
    putBack: ({ to }) => void busy.delete(to),
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return pause(ms, undefined, { signal })
}
