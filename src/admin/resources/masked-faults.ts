import { placesOfMasked } from '../../integrations/integrations.ts'
import type { Fault } from '../problem.ts'

/** Secrets that were given as they are shown, where there is none to keep or it may not be kept. */
export function maskedFaults(under: string, config: object): Fault[] {
  return placesOfMasked(config).map((place) => ({
    path: `${under}.${place}`,
    message:
      'there is no secret here to keep, its id is missing, or its server was changed: give the secret itself',
  }))
}
