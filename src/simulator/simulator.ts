/**
 * What would a source system send? Requests as each source builds and signs them, or wrongly on purpose: to try an
 * integration, for tests, for load. Written from the vendors' documents alone: it shares no code with the verifiers in
 * `sources/`, so that the two can be checked against each other.
 */
export type { Answer } from './answer.ts'
export { type Connections, exchange, type Failure, openConnections } from './exchange.ts'
export type { Imitation, OptionRow } from './imitation.ts'
export { IMITATIONS, imitationOf } from './imitations/imitations.ts'
export { flagOf } from './occasion.ts'
export { SimulationError } from './problem.ts'
export {
  type RequestOptions,
  type SimulatedRequest,
  signedRequest,
  takenBy,
  wrongKindsOf,
} from './signed-request.ts'
export { sendMany } from './volley.ts'
export { WRONG, type WrongKind } from './wrong.ts'
