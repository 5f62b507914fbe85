import { setTimeout as pause } from 'node:timers/promises'
import type { Installed } from '../world/installation.ts'
import type { Lift, SeveralFault } from './fault.ts'
import { SHORT } from './fault.ts'

export const DISK_FAULTS: readonly SeveralFault[] = [
  {
    name: 'disk-full',
    does: 'the disk of PostgreSQL becomes full to the last byte, and gets room again',
    on: 'several',
    to: 'postgres',
    lastsMs: SHORT,
    needs: ['small disk'],
    begin: fillDisk,
  },
  {
    name: 'journal-disk-full',
    does: 'no connection to PostgreSQL, and then the disks of the edges become full too, so that their journals take nothing more',
    on: 'several',
    to: 'way',
    lastsMs: SHORT,
    needs: ['small disk'],
    async begin({ way, homeDisks }, chance) {
      way.be('refusing')
      await pause(chance.between(500, 1_500))
      for (const disk of homeDisks) disk.fill()
      return async () => {
        for (const disk of homeDisks) disk.giveRoom()
        way.be('open')
      }
    },
  },
]

export async function fillDisk({ disk, postgres }: Installed): Promise<Lift> {
  disk?.fill()
  return async () => {
    disk?.giveRoom()
    // Without room for its log of changes PostgreSQL ends itself.
    await postgres.bringBack()
  }
}
