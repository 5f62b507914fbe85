/** What was opened, to be closed in reverse. */
export interface Closing {
  add(close: () => Promise<void>): void
  /** Goes on where one fails: what is left is the guard's. */
  closeAll(): Promise<void>
}

export function createClosing(): Closing {
  const opened: (() => Promise<void>)[] = []
  return {
    add: (close) => void opened.push(close),
    async closeAll() {
      for (let close = opened.pop(); close; close = opened.pop()) await close().catch(() => {})
    },
  }
}
