/** Why a run has failed. */
export interface Failure {
  message: string
  /** It was of the moment, so that the same run may end otherwise when it is made again. */
  mayPass: boolean
  /** How long the other side asked to be left alone, already capped. */
  retryAfterMs?: number | undefined
}

/** A failure that the same run would meet again. */
export function finalFailure(message: string): Failure {
  return { message, mayPass: false }
}

/** The worker is being stopped: the run belongs to another one, and nothing of this passage counts. */
export class Stopped extends Error {
  constructor() {
    super('the worker was stopped in the middle of a run')
    this.name = 'Stopped'
  }
}
