import type { Integrations } from '../integrations/integrations.ts'
import type { Log } from '../platform/log.ts'

const FLUSH_MS = 5_000

export interface SecretUses {
  used(integrationId: string, secretId: string | undefined): void
  close(): Promise<void>
}

/** Gathers when each secret was last used, and writes that down now and then: it must cost a request nothing. */
export function createSecretUses(
  integrations: Pick<Integrations, 'noteSecretUses'>,
  now: () => Date,
  log: Log,
): SecretUses {
  const uses = new Map<string, { integrationId: string; secretId: string; at: Date }>()
  const timer = setInterval(flush, FLUSH_MS)

  async function flush(): Promise<void> {
    if (uses.size === 0) return
    const gathered = [...uses.values()]
    uses.clear()
    await integrations
      .noteSecretUses(gathered)
      .catch((error: Error) => log.warn({ err: error }, 'the last use of secrets could not be written down'))
  }

  return {
    used(integrationId, secretId) {
      if (secretId === undefined) return
      uses.set(`${integrationId}/${secretId}`, { integrationId, secretId, at: now() })
    },
    async close() {
      clearInterval(timer)
      await flush()
    },
  }
}
