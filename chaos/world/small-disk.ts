import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync } from 'node:fs'
import type { Closing } from './closing.ts'
import type { Guard } from './guard.ts'

/** A file system of its own that can be made full at once and given room again. */
export interface SmallDisk {
  folder: string
  /** To the last byte. */
  fill(): void
  giveRoom(): void
  close(): void
}

/** It holds nothing but what is written, so a generous size costs no memory. */
const SIZE_MIB = 1_024
const KIB = 1_024
const FILL_TRIES_MAX = 20

/**
 * Why it cannot be had here; undefined where it can.
 *
 * @param folder does not exist yet, and does not afterwards
 */
export function smallDiskObstacle(folder: string): string | undefined {
  if (process.platform !== 'linux') return 'a small disk is a tmpfs, which only Linux has'
  if (process.getuid?.() !== 0) return 'only root may mount a tmpfs'
  try {
    mountSmallDisk(folder).close()
    return undefined
  } catch {
    return 'this system lets not even root mount a tmpfs, as containers do'
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * A tmpfs: it becomes full when it is mounted anew with the size that is used. It lies in memory, so nothing on it says
 * anything about speed.
 *
 * @throws Error where mounting is not allowed, as in most containers.
 */
export function mountSmallDisk(folder: string): SmallDisk {
  mkdirSync(folder, { mode: 0o711 })
  mount(['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m,mode=711`, 'tmpfs', folder])
  return {
    folder,
    fill() {
      for (let tries = 1; ; tries++) {
        try {
          mount(['-o', `remount,size=${Math.ceil(usedBytes(folder) / KIB)}k`, folder])
          return
        } catch (error) {
          // Somebody has just written more.
          if (tries === FILL_TRIES_MAX) throw error
        }
      }
    },
    giveRoom: () => mount(['-o', `remount,size=${SIZE_MIB}m`, folder]),
    close: () => unmount(folder),
  }
}

/** One that is given back when everything is closed, or by the guard. */
export function borrowSmallDisk(folder: string, guard: Guard, closing: Closing): SmallDisk {
  guard.unmount(folder)
  const disk = mountSmallDisk(folder)
  closing.add(async () => disk.close())
  return disk
}

/** Also where something still uses it. */
export function unmount(folder: string): void {
  execFileSync('umount', ['-l', folder], { stdio: 'ignore' })
}

function usedBytes(folder: string): number {
  const { blocks, bfree, bsize } = statfsSync(folder)
  return (blocks - bfree) * bsize
}

function mount(args: string[]): void {
  try {
    execFileSync('mount', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (error) {
    const { stderr } = error as { stderr?: Buffer }
    throw new Error(`mount ${args.join(' ')}: ${stderr?.toString().trim() || (error as Error).message}`)
  }
}
