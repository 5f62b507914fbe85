/** Measures every kind of long input there is, in a thread with little memory. */
import { parentPort } from 'node:worker_threads'
import { foundPumps } from '../../fuzz/found.ts'
import { type Growth, grown, growsTooFast } from '../../fuzz/growth.ts'
import { TARGETS } from '../../fuzz/targets.ts'

export interface Measured {
  readonly target: string
  readonly kind: string
  /** Undefined while it is under way. */
  readonly growth?: Growth
  readonly tooFast?: boolean
}

const BYTES_MAX = 100_000

for (const target of TARGETS) {
  const pumps = foundPumps(target.name).map(([name, pump]) => [name, grown(pump)] as const)
  for (const [kind, make] of [...Object.entries(target.long), ...pumps]) {
    tell({ target: target.name, kind })
    const bytes = Math.min(BYTES_MAX, target.bytesMax)
    tell({ target: target.name, kind, ...(await growsTooFast(target, make, bytes)) })
  }
}

function tell(measured: Measured): void {
  parentPort?.postMessage(measured)
}
