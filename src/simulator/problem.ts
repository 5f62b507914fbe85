import type { Credentials } from './imitation.ts'

/** A request that cannot be made as it is asked for: a sentence for whoever asks. */
export class SimulationError extends Error {
  /** The credential that is missing, where that is the problem. */
  readonly missing: keyof Credentials | undefined

  constructor(message: string, missing?: keyof Credentials) {
    super(message)
    this.name = 'SimulationError'
    this.missing = missing
  }
}
