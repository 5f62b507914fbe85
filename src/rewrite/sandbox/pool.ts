import type { ErrandEnd } from './conversation.ts'
import type { Errand, SandboxProcess } from './sandbox-process.ts'

/** What the pool tells about its processes; each is worth a line in the operator's log. */
export type PoolEvent =
  | { kind: 'killed'; over: 'time' | 'memory'; applicationId: string }
  | { kind: 'died'; detail: string; applicationId: string; isRepeated: boolean }
  | { kind: 'not_started'; detail: string }

export interface Pool {
  /**
   * Runs an errand on a process that serves nobody else meanwhile.
   *
   * @throws Error when no process can be started, or the pool is closed.
   */
  run(applicationId: string, errand: Errand): Promise<ErrandEnd>
  pids(): number[]
  /** Ends every process; errands under way or waiting are rejected. */
  close(): Promise<void>
}

/** A process may die for a reason that is not the errand's; a second death under the same errand is no accident. */
const TRIES_MAX = 2
const FAILED_STARTS_MAX = 3
/** As many as a process keeps isolates for. */
const REMEMBERED_MAX = 4
/** A process that stays larger than this when idle is replaced. */
const IDLE_RSS_BYTES_MAX = 300 * 1024 * 1024

interface Job {
  applicationId: string
  errand: Errand
  triesLeft: number
  resolve(end: ErrandEnd): void
  reject(error: Error): void
}

interface Member {
  process: SandboxProcess
  /** Applications it has worked for, the latest last: it may still have their isolates. */
  served: Set<string>
  job: Job | undefined
}

export function createPool(
  processesMax: number,
  start: () => Promise<SandboxProcess>,
  onEvent: (event: PoolEvent) => void,
): Pool {
  const members = new Set<Member>()
  const waiting: Job[] = []
  const starting = new Set<Promise<void>>()
  const leaving = new Set<Promise<void>>()
  let failedStarts = 0
  let isClosed = false

  const assign = (): void => {
    for (const member of members) if (member.job === undefined && !member.process.isAlive()) retire(member)
    while (waiting.length > 0) {
      const job = nextJob(waiting, members)
      const member = idleMember(members, job.applicationId)
      if (member === undefined) break
      waiting.splice(waiting.indexOf(job), 1)
      void work(member, job)
    }
    const missing = Math.min(waiting.length - starting.size, processesMax - members.size - starting.size)
    for (let count = 0; count < missing; count += 1) startOne()
  }

  const work = async (member: Member, job: Job): Promise<void> => {
    member.job = job
    job.triesLeft -= 1
    const end = await member.process.run(job.errand)
    member.job = undefined
    remember(member.served, job.applicationId)
    const isDone = end.kind !== 'died' || job.triesLeft === 0
    if (isClosed) job.reject(closedError())
    else if (isDone) job.resolve(end)
    else repeat(job)
    if (end.kind === 'killed') onEvent({ ...end, applicationId: job.applicationId })
    if (end.kind === 'died' && !isClosed)
      onEvent({ ...end, applicationId: job.applicationId, isRepeated: !isDone })
    if (!member.process.isAlive() || member.process.idleRssBytes() > IDLE_RSS_BYTES_MAX) {
      retire(member)
      // Replaced at once, so that the next call does not wait for a start.
      if (!isClosed) startOne()
    }
    if (!isClosed) assign()
  }

  const repeat = (job: Job): void => {
    job.errand.onRepeat?.()
    waiting.unshift(job)
  }

  const startOne = (): void => {
    const attempt = start().then(
      (process) => {
        failedStarts = 0
        if (isClosed) return process.kill()
        members.add({ process, served: new Set(), job: undefined })
      },
      (error: Error) => {
        failedStarts += 1
        if (!isClosed) onEvent({ kind: 'not_started', detail: error.message })
        if (failedStarts >= FAILED_STARTS_MAX) giveUp(error)
      },
    )
    starting.add(attempt)
    void attempt.then(() => {
      starting.delete(attempt)
      if (!isClosed) assign()
    })
  }

  const giveUp = (error: Error): void => {
    failedStarts = 0
    for (const job of waiting.splice(0)) job.reject(error)
  }

  const retire = (member: Member): void => {
    members.delete(member)
    const left = member.process.kill()
    leaving.add(left)
    void left.then(() => leaving.delete(left))
  }

  return {
    run(applicationId, errand) {
      if (isClosed) return Promise.reject(closedError())
      return new Promise((resolve, reject) => {
        waiting.push({ applicationId, errand, triesLeft: TRIES_MAX, resolve, reject })
        assign()
      })
    },
    pids: () => [...members].map((member) => member.process.pid),
    async close() {
      isClosed = true
      for (const job of waiting.splice(0)) job.reject(closedError())
      for (const member of members) retire(member)
      // A process that is just starting is ended as soon as it has started.
      await Promise.all(starting)
      await Promise.all(leaving)
    },
  }
}

/** First come, first served, but an application with fewer calls under way goes before one with more. */
function nextJob(waiting: readonly Job[], members: ReadonlySet<Member>): Job {
  const running = new Map<string, number>()
  for (const { job } of members)
    if (job) running.set(job.applicationId, (running.get(job.applicationId) ?? 0) + 1)
  const load = (job: Job): number => running.get(job.applicationId) ?? 0
  return waiting.reduce((best, job) => (load(job) < load(best) ? job : best))
}

/** Prefers a process that has worked for the application before. */
function idleMember(members: ReadonlySet<Member>, applicationId: string): Member | undefined {
  const idle = [...members].filter((member) => member.job === undefined)
  return idle.find((member) => member.served.has(applicationId)) ?? idle[0]
}

function remember(served: Set<string>, applicationId: string): void {
  served.delete(applicationId)
  served.add(applicationId)
  const [oldest] = served
  if (served.size > REMEMBERED_MAX && oldest !== undefined) served.delete(oldest)
}

function closedError(): Error {
  return new Error('the sandbox is closed')
}
