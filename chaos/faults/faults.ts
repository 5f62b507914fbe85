/** Every fault there is, by name. */
import path from 'node:path'
import { hasProcessTable } from '../world/process-table.ts'
import { smallDiskObstacle } from '../world/small-disk.ts'
import { CLOCK_FAULTS } from './clock.ts'
import { DESTINATION_FAULTS } from './destination.ts'
import { DISK_FAULTS } from './disk.ts'
import { EMBEDDED_FAULTS } from './embedded.ts'
import type { Fault, Need, SeveralFault } from './fault.ts'
import { GATEWAY_FAULTS } from './gateways.ts'
import { POSTGRES_FAULTS } from './postgres.ts'
import { REDIS_FAULTS } from './redis.ts'
import { WAY_FAULTS } from './way.ts'

export const SEVERAL_FAULTS: readonly SeveralFault[] = [
  ...GATEWAY_FAULTS,
  ...POSTGRES_FAULTS,
  ...WAY_FAULTS,
  ...REDIS_FAULTS,
  ...CLOCK_FAULTS,
  ...DESTINATION_FAULTS,
  ...DISK_FAULTS,
]

export const FAULTS: readonly Fault[] = [...SEVERAL_FAULTS, ...EMBEDDED_FAULTS]

/** All that can be done to several processes, two or three at a time. */
export const RANDOM = 'random'
export const RANDOM_DOES = 'all of the faults of several processes mixed, up to three at a time'

export const FAULT_NAMES: readonly string[] = [...FAULTS.map(({ name }) => name), RANDOM]

/**
 * Why a fault cannot be had on this machine; undefined where it can. It is found by trying, below this folder.
 */
export function findObstacles(scratch: string): (fault: Pick<Fault, 'needs'>) => string | undefined {
  const obstacles: Record<Need, string | undefined> = {
    'small disk': smallDiskObstacle(path.join(scratch, 'trial')),
    'process table': hasProcessTable ? undefined : 'the processes of others are found on Linux only',
  }
  return ({ needs = [] }) => needs.map((need) => obstacles[need]).find((found) => found !== undefined)
}
