/** A round: installations are opened one after the other, and each phase is played and accounted for in its own. */
import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Accounts, type Figures, totalOf } from './accounts/accounts.ts'
import { askAccountant } from './ask-accountant.ts'
import { createChance } from './chance.ts'
import { type Channel, openChannel } from './channel.ts'
import { findObstacles } from './faults/faults.ts'
import type { GeneratorQuestion } from './generator.ts'
import { type Machine, machineFacts } from './machine.ts'
import { openInstallation } from './open-installation.ts'
import type { RoundOptions } from './options.ts'
import { type PlayedPhase, playPhase } from './phase.ts'
import { isSamePlace, type Phase, type Plan, planRound } from './plan.ts'
import type { ReceiverQuestion } from './receiver.ts'
import { ARRIVED_FILE, ROUND_FILE, type Round, SENT_FILE } from './record.ts'
import type { Sight } from './sending.ts'
import { createClosing } from './world/closing.ts'
import { type Guard, startGuard } from './world/guard.ts'
import type { Installation } from './world/installation.ts'

export interface ConductOptions extends RoundOptions {
  /** Progress, a line at a time. */
  say(line: string): void
  signal: AbortSignal
  /** Unless given, it is made from the options. */
  plan?: Plan
  /** How many processes there are of each kind; two unless given. */
  edges?: number
  workers?: number
  /** Called when the phases of an installation are over, while its database is still there. */
  beforeAccounts?(site: Installation, records: string): Promise<void>
}

export interface AccountedPhase extends PlayedPhase {
  accounts: Accounts
}

export interface RoundResult {
  plan: Plan
  phases: AccountedPhase[]
  total: Figures
  machine: Machine
  /** Gateways that ended though nobody had told them to, and phases after which not all was as before: a sentence each. */
  failures: string[]
  /** What else a reader should know beside the table, a sentence each. */
  notes: string[]
  /** Where the records and the gateways' logs were left. */
  keptIn: string | undefined
}

interface Stage {
  options: ConductOptions
  guard: Guard
  records: string
  receiver: Channel<ReceiverQuestion, number>
  generator: Channel<GeneratorQuestion, Sight | null>
  receiverPort: number
  round: Round
}

export async function conductRound(options: ConductOptions): Promise<RoundResult> {
  const guard = await startGuard()
  const closing = createClosing()
  try {
    const obstacleTo = findObstacles(guard.scratch)
    const plan = options.plan ?? planRound({ ...options, obstacleTo }, createChance(options.seed))
    for (const { name, why } of plan.impossible) options.say(`not run here: ${name} (${why})`)
    if (plan.leftOut.length > 0)
      options.say(`left out, because the time is short: ${plan.leftOut.join(', ')}`)
    const records = path.join(guard.scratch, 'records')
    await mkdir(records)
    const receiver = openChannel<ReceiverQuestion, number>('receiver.ts', [path.join(records, ARRIVED_FILE)])
    closing.add(() => receiver.close())
    const generator = openChannel<GeneratorQuestion, Sight | null>('generator.ts', [
      path.join(records, SENT_FILE),
    ])
    closing.add(() => generator.close())
    const receiverPort = await receiver.ask({ ask: 'port' })
    const round = { seed: options.seed, phases: [] }
    const stage = { options, guard, records, receiver, generator, receiverPort, round }
    const phases: AccountedPhase[] = []
    const failures: string[] = []
    let machine: Machine | undefined
    for (const group of groupsOf(plan.phases)) {
      const played = await playGroup(group, stage)
      phases.push(...played.phases)
      failures.push(...played.surprises)
      machine = { ...machine, ...played.machine }
    }
    const total = totalOf(phases.map(({ accounts }) => accounts))
    failures.push(...phases.flatMap(failureOf))
    const notes = phases.flatMap(notesOn)
    const isKept = options.keep || isFaulty({ total, failures })
    const keptIn = isKept ? await keep(guard.scratch) : undefined
    return { plan, phases, total, machine: machine ?? (await machineFacts()), failures, notes, keptIn }
  } catch (error) {
    if (options.signal.aborted) throw error
    const kept = await keep(guard.scratch)
    throw new Error(`what was recorded until then is in ${kept}`, { cause: error })
  } finally {
    await closing.closeAll()
    await guard.close()
  }
}

/** Phases that share an installation. */
function groupsOf(phases: readonly Phase[]): Phase[][] {
  const groups: Phase[][] = []
  for (const phase of phases) {
    const [latest] = groups.at(-1) ?? []
    if (latest && isSamePlace(latest.place, phase.place)) groups.at(-1)?.push(phase)
    else groups.push([phase])
  }
  return groups
}

async function playGroup(group: Phase[], stage: Stage) {
  const { options, records, round, generator } = stage
  const { seed, perSecond, retries, say, signal } = options
  const site = await openFor(group, stage)
  try {
    let isClockTurned = false
    const played: PlayedPhase[] = []
    for (const phase of group) {
      // Ids that an edge has given by a wrong clock are remembered by it for as long as it lives.
      isClockTurned ||= phase.faults.some(({ to }) => to === 'clock')
      round.phases.push({ index: phase.index, integrations: site.integrations, isClockTurned })
      say(`${phase.name}: ${phase.does}`)
      played.push(await playPhase({ phase, site, generator, seed, perSecond, retries, say, signal }))
    }
    await writeFile(path.join(records, ROUND_FILE), JSON.stringify(round))
    await options.beforeAccounts?.(site, records)
    const indices = group.map(({ index }) => index)
    const accounts = await askAccountant(records, await site.databaseUrl(), indices, say)
    return {
      phases: played.map((one) => ({ ...one, accounts: accountsOf(one.phase, accounts) })),
      surprises: surprisesOf(site),
      machine: await machineFacts(site),
    }
  } finally {
    await site.close()
  }
}

async function openFor([first]: Phase[], stage: Stage): Promise<Installation> {
  const { options, guard, receiver, receiverPort } = stage
  const place = first?.place ?? { kind: 'several', onSmallDisk: false }
  const { edges = 2, workers = 2, say, signal } = options
  signal.throwIfAborted()
  say(`starting ${place.kind === 'several' ? 'edges and workers' : 'a Sluice with everything embedded'}`)
  return openInstallation({
    prefix: `${place.kind}-${first?.index ?? 0}`,
    place,
    edges,
    workers,
    receiverPort,
    beReceiver: async (condition) => void (await receiver.ask({ ask: 'be', condition })),
    guard,
  })
}

function accountsOf(phase: Phase, accounts: readonly Accounts[]): Accounts {
  const found = accounts.find((one) => one.phase === phase.index)
  if (!found) throw new Error(`the accountant has nothing on ${phase.name}`)
  return found
}

function surprisesOf({ edges, workers }: Installation): string[] {
  return [...new Set([...edges, ...workers])]
    .flatMap((gateway) => gateway.surprises())
    .map((surprise) => `Nobody had told it to: ${surprise}.`)
}

/** Whether a round shows that a promise does not hold. */
export function isFaulty({ total, failures }: Pick<RoundResult, 'total' | 'failures'>): boolean {
  return total.lost > 0 || total.wrong > 0 || failures.length > 0
}

function failureOf({ phase, recoveryMs }: AccountedPhase): string[] {
  return recoveryMs === null ? [`After ${phase.name} not everything was as before within the time.`] : []
}

function notesOn({ phase, accounts: { wrong, lost, findings } }: AccountedPhase): string[] {
  return [
    ...(wrong + lost === 0 ? [] : [`${phase.name}: ${lost} lost, ${wrong} not as it has to be.`]),
    ...findings.map(({ sentence }) => `  ${sentence}`),
  ]
}

async function keep(scratch: string): Promise<string> {
  const kept = await mkdtemp(path.join(tmpdir(), 'sluice-chaos-kept-'))
  await cp(scratch, kept, {
    recursive: true,
    filter: (source) => !/\/(?:data|home|[^/]*-home)$/.test(source),
  })
  return kept
}
