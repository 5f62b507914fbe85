/**
 * Integrations name destinations and functions, and nothing that is named may go. Whoever saves an integration holds
 * what it names until that is committed; whoever takes something away holds that first, and then looks who names it. So
 * one of the two waits for the other and sees what it did, in whatever process.
 */
import { parseExact } from '../payload/exact-json.ts'
import type { Transaction } from '../platform/postgres.ts'
import type { Sealer } from '../platform/sealing.ts'
import type { Definition } from './definition.ts'
import type { Destination, Integration, RewriteFunction } from './model.ts'
import type { Node } from './nodes.ts'
import { DESTINATION, type DestinationRow, FUNCTION, readDestination } from './store.ts'

type Naming = Pick<Definition, 'nodes' | 'split'>

export function namesDestination({ nodes }: Naming, id: string): boolean {
  return destinationsIn(nodes).includes(id)
}

export function namesFunction({ nodes }: Naming, name: string): boolean {
  return functionsIn(nodes).includes(name)
}

/** It sends the bytes of the request instead of an item. */
export function sendsOriginals(destination: Destination | undefined): boolean {
  return destination?.config.kind === 'http' && destination.config.format === 'original'
}

/** An event of a body that is split has no original of its own. */
export function hasNoOriginals({ split }: Naming): boolean {
  return typeof split === 'string'
}

/** Keeps what an integration names as it is until the transaction ends. False when it does not go together. */
export async function holdNamed(
  transaction: Transaction,
  { applicationId, definition }: Pick<Integration, 'applicationId' | 'definition'>,
  sealer: Sealer,
): Promise<boolean> {
  const ids = destinationsIn(definition.nodes)
  const names = functionsIn(definition.nodes)
  const destinations = await transaction<DestinationRow[]>`
    SELECT ${transaction.unsafe(DESTINATION)} FROM destinations
    WHERE application_id = ${applicationId} AND id = ANY(${ids}::uuid[]) FOR SHARE`
  const functions = await transaction<{ name: string }[]>`
    SELECT name FROM rewrite_functions
    WHERE name = ANY(${names}::text[]) AND (application_id = ${applicationId} OR application_id IS NULL) FOR SHARE`
  const areThere =
    ids.every((id) => destinations.some((row) => row.id === id)) &&
    names.every((name) => functions.some((row) => row.name === name))
  if (!areThere || !hasNoOriginals(definition)) return areThere
  return !destinations.some((row) => sendsOriginals(readDestination(row, sealer)))
}

/** Whether a destination may send original bodies, for as long as the transaction lasts. */
export async function mayBecome(transaction: Transaction, destination: Destination): Promise<boolean> {
  if (!sendsOriginals(destination)) return true
  const { id, applicationId } = destination
  await transaction`SELECT FROM destinations WHERE id = ${id} FOR UPDATE`
  const splits = (naming: Naming) => hasNoOriginals(naming) && namesDestination(naming, id)
  return !(await isNamed(transaction, applicationId, id, splits))
}

/** Whether a function may be called so from now on, or (without a name) not at all. */
export async function mayLeaveName(
  transaction: Transaction,
  id: string,
  newName: string | undefined,
): Promise<boolean> {
  const [row] = await transaction<RewriteFunction[]>`
    SELECT ${transaction.unsafe(FUNCTION)} FROM rewrite_functions WHERE id = ${id} FOR UPDATE`
  if (!row || row.applicationId === null || row.name === newName) return true
  const { applicationId, name } = row
  const calls = (naming: Naming) => namesFunction(naming, name)
  return !(await isNamed(transaction, applicationId, JSON.stringify(name), calls))
}

/** Whether a destination may go. */
export async function mayGo(transaction: Transaction, id: string): Promise<boolean> {
  const [row] = await transaction<{ applicationId: string }[]>`
    SELECT application_id AS "applicationId" FROM destinations WHERE id = ${id} FOR UPDATE`
  if (!row) return true
  return !(await isNamed(transaction, row.applicationId, id, (naming) => namesDestination(naming, id)))
}

/** @param text stands in the definition of each that names it */
async function isNamed(
  transaction: Transaction,
  applicationId: string,
  text: string,
  names: (naming: Naming) => boolean,
): Promise<boolean> {
  const rows = await transaction<{ definition: string }[]>`
    SELECT definition FROM integrations WHERE application_id = ${applicationId} AND strpos(definition, ${text}) > 0`
  // As it was stored: of what is read here nothing is sealed.
  return rows.some(({ definition }) => names(parseExact(definition) as unknown as Naming))
}

function destinationsIn(nodes: Node[]): string[] {
  return nodes.flatMap((node) => (node.kind === 'push' ? [node.destination] : []))
}

function functionsIn(nodes: Node[]): string[] {
  return nodes.flatMap((node) => ('function' in node && node.function !== undefined ? [node.function] : []))
}
