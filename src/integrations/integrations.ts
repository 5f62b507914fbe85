/**
 * What did we agree with this sender? Applications, integrations, destinations and rewrite functions: kept in
 * Postgres, read from memory.
 */
import type { Log } from '../platform/log.ts'
import type { Sql } from '../platform/postgres.ts'
import type { Sealer } from '../platform/sealing.ts'
import { type Address, type Cidr, cidrContains, readAddress, readNetwork } from './address.ts'
import {
  type Allowlist,
  allowsAddress,
  type CompiledAllowlist,
  compileAllowlist,
  domainsOf,
  parseAllowlist,
} from './allowlist.ts'
import {
  allowedListSchema,
  type Dedupe,
  type Definition,
  definitionSchema,
  type Node,
  nodeSchema,
} from './definition.ts'
import { type Definitions, watchDefinitions } from './definitions.ts'
import { type DestinationConfig, destinationConfigSchema } from './destination-config.ts'
import type { Application, Destination, Integration, RewriteFunction } from './model.ts'
import { keepMaskedSecrets, MASKED, maskSecrets } from './secrets.ts'
import {
  deleteRow,
  findSource,
  findVersion,
  saveApplication,
  saveDestination,
  saveFunction,
  saveIntegration,
} from './store.ts'

export {
  type Address,
  type Allowlist,
  type Application,
  allowedListSchema,
  allowsAddress,
  type Cidr,
  type CompiledAllowlist,
  cidrContains,
  compileAllowlist,
  type Dedupe,
  type Definition,
  type Destination,
  type DestinationConfig,
  definitionSchema,
  destinationConfigSchema,
  domainsOf,
  type Integration,
  keepMaskedSecrets,
  MASKED,
  maskSecrets,
  type Node,
  nodeSchema,
  parseAllowlist,
  type RewriteFunction,
  readAddress,
  readNetwork,
}

export interface Integrations extends Definitions {
  /** The definition that a run carries. */
  definitionOf(integrationId: string, version: number): Promise<Definition | undefined>
  /** The source of a function's version. */
  sourceOf(version: string): Promise<string | undefined>
  saveApplication(application: Application): Promise<void>
  saveIntegration(integration: Omit<Integration, 'version'>): Promise<number>
  saveDestination(destination: Destination): Promise<void>
  saveFunction(given: Parameters<typeof saveFunction>[1]): Promise<RewriteFunction>
  delete(kind: Parameters<typeof deleteRow>[1], id: string): Promise<boolean>
}

export interface IntegrationsOptions {
  sql: Sql
  sealer: Sealer
  reloadSeconds: number
  log: Log
}

/** Versions are immutable, so what was read once is kept; this many of each. */
const REMEMBERED_MAX = 1_000

/** Reads all definitions and keeps them fresh until closed. Each save is seen here when its promise resolves. */
export async function openIntegrations(options: IntegrationsOptions): Promise<Integrations> {
  const { sql, sealer } = options
  const definitions = await watchDefinitions(options)
  const versions = new Map<string, Definition>()
  const sources = new Map<string, string>()

  async function afterwards<T>(saved: Promise<T>): Promise<T> {
    const result = await saved
    await definitions.reload()
    return result
  }

  return {
    ...definitions,
    async definitionOf(integrationId, version) {
      const current = definitions.integration(integrationId)
      if (current?.version === version) return current.definition
      return remember(versions, `${integrationId}/${version}`, () =>
        findVersion(sql, sealer, integrationId, version),
      )
    },
    sourceOf: (version) => remember(sources, version, () => findSource(sql, version)),
    saveApplication: (application) => afterwards(saveApplication(sql, application)),
    saveIntegration: (integration) => afterwards(saveIntegration(sql, sealer, integration)),
    saveDestination: (destination) => afterwards(saveDestination(sql, sealer, destination)),
    saveFunction: (given) => afterwards(saveFunction(sql, given)),
    delete: (kind, id) => afterwards(deleteRow(sql, kind, id)),
  }
}

async function remember<T>(
  known: Map<string, T>,
  key: string,
  find: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const remembered = known.get(key)
  if (remembered !== undefined) return remembered
  const found = await find()
  if (found === undefined) return undefined
  const oldest = known.keys().next().value
  if (known.size >= REMEMBERED_MAX && oldest !== undefined) known.delete(oldest)
  known.set(key, found)
  return found
}
