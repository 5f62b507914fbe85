/**
 * A real folder under a disk that fails when told to and can lose its power. It keeps the promises of a disk and not
 * one more: bytes stay that were written before a sync that succeeded, names that were there before a sync of their
 * folder. After a sync that failed, the next one claims success while the bytes are gone, as Linux was seen to do.
 */
import { closeSync, existsSync, openSync, statSync, truncateSync, unlinkSync, writeSync } from 'node:fs'
import path from 'node:path'
import { type Disk, type DiskFile, NODE_DISK } from '../../src/journal/journal.ts'

export type Fault = 'write' | 'datasync' | 'folder sync' | 'open'

export interface UnreliableDisk extends Disk {
  /** The next operation of this kind fails. */
  failNext(fault: Fault): void
  /** After so many operations more the power is off. */
  cutAfter(operations: number): void
  /** What a machine finds that is started again. `choose` gives a number from 0 up to its argument. */
  afterPowerCut(choose: (max: number) => number): void
  /** From now on it takes so many bytes of files in all. */
  setCapacity(bytes: number): void
  usedBytes(): number
  /** Syncs of a file whose sync had failed before. */
  syncsAfterFailure(): number
}

interface Tracked {
  written: number
  durable: number
  isPoisoned: boolean
  isNameDurable: boolean
}

export function createUnreliableDisk(): UnreliableDisk {
  const files = new Map<string, Tracked>()
  const faults: Fault[] = []
  let capacityBytes = Number.POSITIVE_INFINITY
  let operationsLeft = Number.POSITIVE_INFINITY
  let syncsAfterFailure = 0

  function step(): void {
    operationsLeft -= 1
    if (operationsLeft < 0) throw new Error('the power is off')
  }

  function usedBytes(): number {
    return [...files.values()].reduce((sum, { written }) => sum + written, 0)
  }

  function fails(fault: Fault): boolean {
    const index = faults.indexOf(fault)
    if (index !== -1) faults.splice(index, 1)
    return index !== -1
  }

  function wrapFile(file: DiskFile, name: string): DiskFile {
    const tracked = files.get(name) ?? { written: 0, durable: 0, isPoisoned: false, isNameDurable: false }
    files.set(name, tracked)
    return {
      read: (...given) => file.read(...given),
      stat: () => file.stat(),
      // The kernel closes what a dead process held.
      close: () => file.close(),
      async sync() {
        return this.datasync()
      },
      async write(buffer, offset, length, position) {
        step()
        const room = Math.max(0, capacityBytes - usedBytes())
        const size = fails('write') ? Math.floor(length / 2) : Math.min(length, room)
        const { bytesWritten } = await file.write(buffer, offset, size, position)
        tracked.written = Math.max(tracked.written, position + bytesWritten)
        if (size < length)
          throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
        return { bytesWritten }
      },
      async datasync() {
        step()
        if (tracked.isPoisoned) syncsAfterFailure += 1
        if (fails('datasync')) {
          tracked.isPoisoned = true
          throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
        }
        await file.datasync()
        if (!tracked.isPoisoned) tracked.durable = tracked.written
      },
      async truncate(length) {
        step()
        await file.truncate(length)
        tracked.written = length
        tracked.durable = Math.min(tracked.durable, length)
      },
    }
  }

  function wrapFolder(handle: DiskFile, folder: string): DiskFile {
    return {
      ...wrapFile(handle, folder),
      async sync() {
        step()
        if (fails('folder sync')) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
        await handle.sync()
        for (const [name, file] of files) if (path.dirname(name) === folder) file.isNameDurable = true
      },
    }
  }

  return {
    ...NODE_DISK,
    async open(name, flags, mode) {
      step()
      if (flags !== 'r' && fails('open'))
        throw Object.assign(new Error('EROFS: read-only'), { code: 'EROFS' })
      const handle = await NODE_DISK.open(name, flags, mode)
      return statSync(name).isDirectory() ? wrapFolder(handle, name) : wrapFile(handle, name)
    },
    async unlink(name) {
      step()
      await NODE_DISK.unlink(name)
      files.delete(name)
    },
    failNext: (fault) => void faults.push(fault),
    cutAfter(operations) {
      operationsLeft = operations
    },
    afterPowerCut(choose) {
      for (const [name, file] of files) {
        if (!existsSync(name) || statSync(name).isDirectory()) continue
        if (!file.isNameDurable && choose(1) === 0) unlinkSync(name)
        else loseUnsynced(name, file, choose)
      }
    },
    setCapacity(bytes) {
      capacityBytes = bytes
    },
    usedBytes,
    syncsAfterFailure: () => syncsAfterFailure,
  }
}

/** Of what was not synced, some is there, then perhaps zeros, and the rest is not. */
function loseUnsynced(name: string, { written, durable }: Tracked, choose: (max: number) => number): void {
  const unsynced = written - durable
  const there = choose(unsynced)
  const zeros = choose(unsynced - there)
  truncateSync(name, durable + there)
  const file = openSync(name, 'r+')
  writeSync(file, Buffer.alloc(zeros), 0, zeros, durable + there)
  closeSync(file)
}
