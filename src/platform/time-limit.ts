/** What was asked did not answer in time. It may still do what it was asked to; nobody waits for it any more. */
export class TooLate extends Error {
  constructor(waitMs: number) {
    super(`no answer within ${Math.round(waitMs)} ms`)
    this.name = 'TooLate'
  }
}

/**
 * The answer, if it comes in time: a database or a disk that hangs rejects nothing by itself.
 *
 * @throws TooLate, or whatever the answer throws in time; what it throws later is passed over.
 */
export async function within<T>(waitMs: number, answer: PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new TooLate(waitMs)), waitMs)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
