import type { Transaction } from '../platform/postgres.ts'
import type { Sealer } from '../platform/sealing.ts'
import { openSnapshot, type Snapshot, type Witness, type Witnessed } from '../platform/witness.ts'
import type { Application, RewriteFunction } from './model.ts'
import { maskSecrets } from './secrets.ts'
import {
  APPLICATION,
  DESTINATION,
  type DestinationRow,
  FUNCTION,
  INTEGRATION,
  type IntegrationRow,
  type Kind,
  readDestination,
  readIntegration,
} from './store.ts'

type Take = (transaction: Transaction, id: string, sealer: Sealer) => Promise<Snapshot | undefined>

const SNAPSHOTS: Record<Kind, Take> = {
  async applications(transaction, id) {
    const [row] = await transaction<Application[]>`
      SELECT ${transaction.unsafe(APPLICATION)} FROM applications WHERE id = ${id}`
    if (!row) return undefined
    const { id: _, ...plain } = row
    return openSnapshot(id, id, plain)
  },
  async integrations(transaction, id, sealer) {
    const [row] = await transaction<IntegrationRow[]>`
      SELECT ${transaction.unsafe(INTEGRATION)} FROM integrations WHERE id = ${id}`
    if (!row) return undefined
    const { id: _, applicationId, definition, ...plain } = readIntegration(row, sealer)
    const masked = { ...plain, definition: maskSecrets(definition) }
    return { id, applicationId, plain: { ...plain, definition }, masked }
  },
  async destinations(transaction, id, sealer) {
    const [row] = await transaction<DestinationRow[]>`
      SELECT ${transaction.unsafe(DESTINATION)} FROM destinations WHERE id = ${id}`
    if (!row) return undefined
    const { id: _, applicationId, config, ...plain } = readDestination(row, sealer)
    return {
      id,
      applicationId,
      plain: { ...plain, config },
      masked: { ...plain, config: maskSecrets(config) },
    }
  },
  /** The source is told by its version, under which it stays readable. */
  async functions(transaction, id) {
    const [row] = await transaction<RewriteFunction[]>`
      SELECT ${transaction.unsafe(FUNCTION)} FROM rewrite_functions WHERE id = ${id}`
    if (!row) return undefined
    const { id: _, applicationId, ...plain } = row
    return openSnapshot(id, applicationId, plain)
  },
}

/** For `witnessed`: how something that people define stands in a transaction. */
export function definitionIn(
  transaction: Transaction,
  { kind, id, sealer, witness }: { kind: Kind; id: string; sealer: Sealer; witness: Witness | undefined },
): Witnessed {
  return { transaction, witness, snapshot: () => SNAPSHOTS[kind](transaction, id, sealer) }
}
