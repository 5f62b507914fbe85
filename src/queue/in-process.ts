import type { Log } from '../platform/log.ts'
import { type Counts, checkLane, jobsByLane, type Queue, QueueUnavailable } from './contract.ts'
import { InProcessLane } from './in-process-lane.ts'

/** About 100 MB of ids. */
const JOBS_MAX = 250_000

/** The queue of a single process: what waits is forgotten with it, and put again from the ledger. */
export function createInProcessQueue({ log }: { log: Log }): Queue {
  const lanes = new Map<string, InProcessLane>()
  let closing: Promise<void> | undefined

  function laneCalled(name: string): InProcessLane {
    checkLane(name)
    const lane = lanes.get(name) ?? new InProcessLane(log)
    lanes.set(name, lane)
    return lane
  }
  async function close(deadlineMs?: number): Promise<void> {
    await Promise.all([...lanes.values()].map((lane) => lane.close(deadlineMs)))
    lanes.clear()
  }

  return {
    async put(jobs) {
      const byLane = jobsByLane(jobs)
      if (closing) throw new QueueUnavailable('it is closed')
      const held = [...lanes.values()].reduce((sum, lane) => sum + lane.size, 0)
      if (held + jobs.length > JOBS_MAX) throw new QueueUnavailable(`it is full, ${JOBS_MAX} jobs wait`)
      for (const [lane, entries] of byLane) laneCalled(lane).put(entries)
    },
    async take(lane, options, handler) {
      if (closing) throw new QueueUnavailable('it is closed')
      return laneCalled(lane).take(options, handler)
    },
    async counts(lane) {
      const asked = lane === undefined ? [...lanes.values()] : [lanes.get(lane)]
      return asked
        .flatMap((each) => each?.counts() ?? [])
        .reduce(addCounts, { waiting: 0, delayed: 0, active: 0 })
    },
    trouble: () => undefined,
    onGap() {},
    close: (deadlineMs) => (closing ??= close(deadlineMs)),
  }
}

function addCounts(a: Counts, b: Counts): Counts {
  return { waiting: a.waiting + b.waiting, delayed: a.delayed + b.delayed, active: a.active + b.active }
}
