/**
 * What did we agree with this sender? Applications, integrations, destinations and rewrite functions: kept in
 * Postgres, read from memory.
 */
import { newSecretId } from '../platform/ids.ts'
import type { Witness } from '../platform/witness.ts'
import { type Address, type Cidr, cidrContains, readAddress, readNetwork } from './address.ts'
import { allowsHost } from './allowed-hosts.ts'
import {
  type Allowlist,
  allowsAddress,
  type CompiledAllowlist,
  compileAllowlist,
  domainsOf,
  parseAllowlist,
} from './allowlist.ts'
import { backoff, type NextTry } from './backoff.ts'
import type { CallRequest } from './call-config.ts'
import {
  type CertificateSubject,
  commonNameOf,
  isSameSubject,
  looksLikeSubject,
  readSubject,
  readSubjectLines,
  subjectText,
} from './certificate-subject.ts'
import { isCredentialName } from './credential-names.ts'
import { allowedListSchema, type Dedupe, type Definition, definitionSchema } from './definition.ts'
import { type Definitions, type DefinitionsOptions, watchDefinitions } from './definitions.ts'
import { type ConfigOf, type DestinationConfig, destinationConfigSchema } from './destination-config.ts'
import { CONCURRENCY_DEFAULT } from './destination-release.ts'
import type { RetryPolicy } from './destination-retry.ts'
import { type ConfigWarning, destinationWarnings } from './destination-warnings.ts'
import { mailboxOf } from './destinations/smtp.ts'
import { readDomainName } from './domain-name.ts'
import {
  awaitHandshake,
  findHandshakes,
  forgetHandshake,
  noteHandshake,
  type Pinning,
  pinHandshake,
} from './handshakes.ts'
import type { HttpRequestConfig } from './http-request-config.ts'
import type {
  Application,
  Destination,
  HandshakeState,
  Integration,
  PublishedList,
  RewriteFunction,
} from './model.ts'
import { type Node, nodeSchema } from './nodes.ts'
import { type FetchText, type Refreshed, refreshPublished } from './published.ts'
import {
  eraseAtOf,
  hiddenOf,
  keptPayload,
  mayKeepBody,
  type Redact,
  redactsPayload,
  shownOf,
} from './redact-config.ts'
import { hasNoOriginals, namesDestination, namesFunction, sendsOriginals } from './references.ts'
import { hasNoContent } from './reply-status.ts'
import type { Respond } from './respond-config.ts'
import {
  createIntegration,
  deleteRow,
  functionVersion,
  saveApplication,
  saveDestination,
  saveFunction,
  saveIntegration,
} from './save.ts'
import { listedSecrets, nameSecrets, repeatedSecretIds } from './secret-names.ts'
import { findSecretUses, noteSecretUses, type SecretUse } from './secret-uses.ts'
import { handWrittenSecrets, keepMaskedSecrets, MASKED, maskSecrets, placesOfMasked } from './secrets.ts'
import { findSource, findVersion } from './store.ts'

export {
  type Address,
  type Allowlist,
  type Application,
  allowedListSchema,
  allowsAddress,
  allowsHost,
  backoff,
  type CallRequest,
  type CertificateSubject,
  type Cidr,
  CONCURRENCY_DEFAULT,
  type CompiledAllowlist,
  type ConfigOf,
  type ConfigWarning,
  cidrContains,
  commonNameOf,
  compileAllowlist,
  type Dedupe,
  type Definition,
  type Destination,
  type DestinationConfig,
  definitionSchema,
  destinationConfigSchema,
  destinationWarnings,
  domainsOf,
  eraseAtOf,
  type FetchText,
  functionVersion,
  type HandshakeState,
  type HttpRequestConfig,
  handWrittenSecrets,
  hasNoContent,
  hasNoOriginals,
  hiddenOf,
  type Integration,
  isCredentialName,
  isSameSubject,
  keepMaskedSecrets,
  keptPayload,
  listedSecrets,
  looksLikeSubject,
  MASKED,
  mailboxOf,
  maskSecrets,
  mayKeepBody,
  type NextTry,
  type Node,
  namesDestination,
  namesFunction,
  nodeSchema,
  type Pinning,
  type PublishedList,
  parseAllowlist,
  placesOfMasked,
  type Redact,
  type Refreshed,
  type Respond,
  type RetryPolicy,
  type RewriteFunction,
  readAddress,
  readDomainName,
  readNetwork,
  readSubject,
  readSubjectLines,
  redactsPayload,
  repeatedSecretIds,
  type SecretUse,
  sendsOriginals,
  shownOf,
  subjectText,
}

export interface Integrations extends Definitions {
  /** Reads everything again before it says that there is none: this process may not have been told of it yet. */
  findDestination(id: string): Promise<Destination | undefined>
  /** The definition that a run carries. */
  definitionOf(integrationId: string, version: number): Promise<Definition | undefined>
  /** The source of a function's version. */
  sourceOf(version: string): Promise<string | undefined>
  /**
   * Each save may name the revision that was seen when the change was made: then it changes nothing, and says so, when
   * somebody else changed or deleted the thing since, or what names it or is named by it. Here that is false, below it
   * is undefined. What was changed is seen afterwards.
   */
  saveApplication(application: Application, seen?: string, witness?: Witness): Promise<boolean>
  /**
   * As it was saved, each listed secret with an id; undefined when another integration has its id, or something that
   * it names has gone.
   *
   * @param handshakeUntil until when a first handshake may pin its sender
   */
  createIntegration(
    integration: Omit<Integration, 'version'>,
    handshakeUntil?: Date | null,
    witness?: Witness,
  ): Promise<Integration | undefined>
  /** As it was saved. Saves at the same moment become versions one after the other. */
  saveIntegration(
    integration: Omit<Integration, 'version'>,
    seen?: string,
    witness?: Witness,
  ): Promise<Integration | undefined>
  saveDestination(destination: Destination, seen?: string, witness?: Witness): Promise<boolean>
  saveFunction(
    given: Parameters<typeof saveFunction>[1],
    seen?: string,
    witness?: Witness,
  ): Promise<RewriteFunction | undefined>
  /** False when there is nothing, or an integration names it. */
  delete(kind: Parameters<typeof deleteRow>[1], id: string, witness?: Witness): Promise<boolean>

  /** `same` is what is pinned already, told again; `refused` is one that nobody waits for. */
  pinHandshake(integrationId: string, pinning: Pinning, at: Date): Promise<'pinned' | 'same' | 'refused'>
  /** Keeps what a source told for the operator; in memory it is seen with the next change or period. */
  noteHandshake(integrationId: string, note: Pick<Pinning, 'kind' | 'note'>, at: Date): Promise<void>
  /** Lets a handshake pin the sender until then, or no longer. */
  awaitHandshake(integrationId: string, until: Date | null, witness?: Witness): Promise<void>
  /** Forgets the pinned sender, the wait and the note. False when there was nothing. */
  forgetHandshake(integrationId: string, witness?: Witness): Promise<boolean>
  /** As they stand in the database, notes of a moment ago among them. */
  findHandshakes(integrationIds: readonly string[]): Promise<Map<string, HandshakeState>>

  noteSecretUses(uses: readonly SecretUse[]): Promise<void>
  /** When each secret was last used, by integration and id of the secret. */
  findSecretUses(integrationIds: readonly string[]): Promise<Map<string, Map<string, Date>>>

  /** Fetches the addresses that a source publishes; what cannot be had leaves those that are known. */
  refreshPublished(source: string, fetchText: FetchText, at: Date, witness?: Witness): Promise<Refreshed>
}

export type IntegrationsOptions = DefinitionsOptions

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

  function named(integration: Omit<Integration, 'version'>): Omit<Integration, 'version'> {
    const before = definitions.integration(integration.id)?.definition
    return { ...integration, definition: nameSecrets(integration.definition, before, newSecretId) }
  }

  return {
    ...definitions,
    async findDestination(id) {
      const known = definitions.destination(id)
      if (known) return known
      await definitions.reload()
      return definitions.destination(id)
    },
    async definitionOf(integrationId, version) {
      const current = definitions.integration(integrationId)
      if (current?.version === version) return current.definition
      return remember(versions, `${integrationId}/${version}`, () =>
        findVersion(sql, sealer, integrationId, version),
      )
    },
    sourceOf: (version) => remember(sources, version, () => findSource(sql, version)),
    saveApplication: (application, seen, witness) =>
      afterwards(saveApplication(sql, application, { sealer, seen, witness })),
    async createIntegration(given, handshakeUntil, witness) {
      const integration = named(given)
      const options = { sealer, seen: undefined, witness }
      const made = createIntegration(sql, integration, handshakeUntil ?? null, options)
      const version = await afterwards(made)
      return version === undefined ? undefined : { ...integration, version }
    },
    async saveIntegration(given, seen, witness) {
      const integration = named(given)
      const version = await afterwards(saveIntegration(sql, integration, { sealer, seen, witness }))
      return version === undefined ? undefined : { ...integration, version }
    },
    saveDestination: (destination, seen, witness) =>
      afterwards(saveDestination(sql, destination, { sealer, seen, witness })),
    saveFunction: (given, seen, witness) => afterwards(saveFunction(sql, given, { sealer, seen, witness })),
    delete: (kind, id, witness) => afterwards(deleteRow(sql, kind, id, { sealer, witness })),

    async pinHandshake(integrationId, pinning, at) {
      const outcome = await pinHandshake(sql, integrationId, pinning, at)
      if (outcome === 'pinned') await definitions.reload()
      return outcome
    },
    noteHandshake: (integrationId, note, at) => noteHandshake(sql, integrationId, note, at),
    awaitHandshake: (integrationId, until, witness) =>
      afterwards(awaitHandshake(sql, integrationId, until, witness)),
    forgetHandshake: (integrationId, witness) => afterwards(forgetHandshake(sql, integrationId, witness)),
    findHandshakes: (integrationIds) => findHandshakes(sql, integrationIds),

    noteSecretUses: (uses) => noteSecretUses(sql, uses),
    findSecretUses: (integrationIds) => findSecretUses(sql, integrationIds),

    async refreshPublished(source, fetchText, at, witness) {
      const refreshed = await refreshPublished(sql, source, fetchText, at, witness)
      if (refreshed.ok) await definitions.reload()
      return refreshed
    },
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
