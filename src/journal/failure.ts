/** There is no room: neither now nor by trying again at once, only after a drain. Nothing was written. */
export class JournalFull extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'JournalFull'
  }
}

/**
 * The disk did not do as told. The record may not be acknowledged. It may still lie on the disk, so that after a crash
 * it can be given to a drain as one that was never acknowledged.
 */
export class JournalFailed extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'JournalFailed'
  }
}

/** The journal takes nothing any more, because this process is stopping. */
export class JournalClosed extends Error {
  constructor() {
    super('the journal is closed')
    this.name = 'JournalClosed'
  }
}

/** Another journal, of this or any other process, is open on the folder. */
export class JournalLocked extends Error {
  constructor(folder: string) {
    super(`another process uses the journal in ${folder}`)
    this.name = 'JournalLocked'
  }
}

/** No journal takes this record, however empty it is. */
export class JournalRecordTooLarge extends Error {
  constructor(bytes: number, bytesMax: number) {
    super(`a record of ${bytes} bytes is larger than the ${bytesMax} bytes that a journal takes`)
    this.name = 'JournalRecordTooLarge'
  }
}
