import { findRedisProgram, installRedisProgram } from '../test/world/redis-program.ts'
import type { Place } from './plan.ts'
import { createClosing } from './world/closing.ts'
import { openEmbedded } from './world/embedded.ts'
import type { Guard } from './world/guard.ts'
import type { Installation, InstallationOptions } from './world/installation.ts'
import { openSeveral } from './world/several.ts'

export interface OpenInstallationOptions extends Omit<InstallationOptions, 'onSmallDisk'> {
  place: Place
  edges: number
  workers: number
  guard: Guard
}

/** Everything that a round needs of Sluice, ready to be sent to. What was begun is closed where it fails. */
export async function openInstallation(options: OpenInstallationOptions): Promise<Installation> {
  const { kind, onSmallDisk } = options.place
  const closing = createClosing()
  try {
    if (kind === 'embedded') return await openEmbedded({ ...options, onSmallDisk }, options.guard, closing)
    const several = { ...options, onSmallDisk, redisProgram: redisProgram() }
    return await openSeveral(several, options.guard, closing)
  } catch (error) {
    await closing.closeAll()
    throw error
  }
}

function redisProgram(): string {
  const searchPath = process.env.PATH ?? ''
  const program = findRedisProgram(searchPath) ?? installRedisProgram(searchPath)
  if (program !== null) return program
  throw new Error('it needs a Redis: install redis-server or valkey-server so that it is on the PATH')
}
