import type { Log } from '../platform/log.ts'
import type { Sql } from '../platform/postgres.ts'
import type { Sealer } from '../platform/sealing.ts'
import { copyDefinitions, readDefinitionsCopy } from './local-copy.ts'
import type {
  Application,
  Destination,
  HandshakeState,
  Integration,
  PublishedList,
  RewriteFunction,
} from './model.ts'
import { CHANNEL } from './notices.ts'
import { checkMasterKey, createRowReader, type Kind, type Loaded, readRows } from './store.ts'

/**
 * Everything agreed with senders, in memory: a request or a delivery never asks the database for it. What was
 * read last stays valid while Postgres is away.
 */
export interface Definitions {
  integration(id: string): Integration | undefined
  application(id: string): Application | undefined
  applicationOfSlug(slug: string): Application | undefined
  destination(id: string): Destination | undefined
  /** Whether it is there and only this process cannot read it: a newer Sluice wrote it, or one with another key. */
  isUnreadable(id: string): boolean
  /** A function by name: the application's own before the shared one. */
  rewriteFunction(applicationId: string, name: string): RewriteFunction | undefined
  /** As of the last reading; a pin is seen in every process as soon as a change of a definition is. */
  handshakeOf(integrationId: string): HandshakeState | undefined
  /** What a source publishes, as it was last fetched; undefined before the first time. */
  publishedList(source: string): PublishedList | undefined
  /** Its entries alone; none before the first time. */
  publishedAddresses(source: string): readonly string[]
  applications(): Application[]
  integrations(): Integration[]
  destinations(): Destination[]
  rewriteFunctions(): RewriteFunction[]
  /** Another one after each change, to be given back with the next; undefined where there is nothing. */
  revisionOf(kind: Kind, id: string): string | undefined
  /** Reads everything again; whoever changed something calls it to see the change at once. */
  reload(): Promise<void>
  onReload(listener: () => void): void
  /** When the definitions were last read; of a local copy: when it was written. */
  loadedAt(): Date
  /** Whether they are those of a local copy, because the database was away from the start. */
  areCopied(): boolean
  close(): Promise<void>
}

export interface DefinitionsOptions {
  sql: Sql
  sealer: Sealer
  reloadSeconds: number
  /** The file of the local copy; undefined for none. */
  copyFile?: string | undefined
  /** Resolves when the database is there; undefined when it is there already. Until then the local copy serves. */
  arrived?: Promise<void> | undefined
  log: Log
}

/**
 * Reads the definitions and keeps them fresh: told of each change by NOTIFY, reading again whenever the listening
 * connection is made anew (a notice may have been missed), and every `reloadSeconds` whatever happens.
 *
 * @throws Error with a sentence when the database is away and there is no local copy, or the master key opens nothing.
 */
export async function watchDefinitions({
  sql,
  sealer,
  reloadSeconds,
  copyFile,
  arrived,
  log,
}: DefinitionsOptions): Promise<Definitions> {
  const read = createRowReader(sealer, log)
  let loaded: Loaded
  let loadedAt: Date
  let areCopied = false
  let subscription: { unlisten(): Promise<void> } | undefined
  let closed = false
  const localCopy = copyFile === undefined ? undefined : copyDefinitions(copyFile, log)
  let running: Promise<void> | undefined
  let again: Promise<void> | undefined
  const listeners: (() => void)[] = []

  async function load(): Promise<void> {
    const rows = await readRows(sql)
    // At the start alone: what another process does later ends no one that has begun.
    if (loaded === undefined) checkMasterKey(rows, sealer)
    loaded = read(rows)
    loadedAt = new Date()
    areCopied = false
    localCopy?.keep(rows)
    for (const listener of listeners) listener()
  }

  async function loadCopy(): Promise<void> {
    const { content, savedAt } = await readDefinitionsCopy(copyFile ?? '')
    checkMasterKey(content, sealer)
    loaded = read(content)
    loadedAt = savedAt
    areCopied = true
    log.warn({ copyFile, savedAt }, 'definitions are those of the local copy until the database is there')
  }

  async function listen(): Promise<void> {
    const made = await sql.listen(CHANNEL, reloadQuietly, reloadQuietly)
    if (closed) await made.unlisten().catch(() => {})
    else subscription = made
  }

  /** A load that began before the call may have missed its change, so the caller gets the one after it. */
  function reload(): Promise<void> {
    if (!running) {
      running = load().finally(() => {
        running = undefined
      })
      return running
    }
    again ??= running
      .catch(() => {})
      .then(() => {
        again = undefined
        return reload()
      })
    return again
  }

  function reloadQuietly(): void {
    reload().catch((error) =>
      log.warn({ err: error }, 'definitions could not be read again, the last ones stay valid'),
    )
  }

  if (arrived) {
    await loadCopy()
    void arrived
      .then(listen)
      .catch((error) => log.warn({ err: error }, 'changes of definitions are not told'))
  } else {
    await reload()
    await listen()
  }
  const timer = setInterval(reloadQuietly, reloadSeconds * 1000)

  return {
    integration: (id) => loaded.integrations.get(id),
    application: (id) => loaded.applications.get(id),
    applicationOfSlug: (slug) => loaded.applicationsBySlug.get(slug),
    destination: (id) => loaded.destinations.get(id),
    isUnreadable: (id) => loaded.unreadable.has(id),
    rewriteFunction: (applicationId, name) =>
      loaded.functions.get(`${applicationId}/${name}`) ?? loaded.functions.get(`/${name}`),
    handshakeOf: (integrationId) => loaded.handshakes.get(integrationId),
    publishedList: (source) => loaded.published.get(source),
    publishedAddresses: (source) => loaded.published.get(source)?.entries ?? [],
    applications: () => [...loaded.applications.values()],
    integrations: () => [...loaded.integrations.values()],
    destinations: () => [...loaded.destinations.values()],
    rewriteFunctions: () => [...loaded.functions.values()],
    revisionOf: (kind, id) => loaded.revisions.get(`${kind}/${id}`),
    reload,
    onReload: (listener) => listeners.push(listener),
    loadedAt: () => loadedAt,
    areCopied: () => areCopied,
    async close() {
      clearInterval(timer)
      closed = true
      // A connection that is gone listens no more.
      await subscription?.unlisten().catch(() => {})
      await running?.catch(() => {})
      await localCopy?.close()
    },
  }
}
