import type { Integrations } from '../integrations/integrations.ts'
import type { Log } from '../platform/log.ts'
import { within } from '../platform/time-limit.ts'

const FLUSH_MS = 5_000
const WRITE_WAIT_MS = 2_000

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
  let writing: Promise<void> | undefined
  let failed = false

  async function flush(): Promise<void> {
    // A database that hangs is not asked again before it answers.
    if (uses.size === 0 || writing) return
    const gathered = [...uses]
    uses.clear()
    try {
      writing = integrations.noteSecretUses(gathered.map(([, use]) => use)).finally(() => {
        writing = undefined
      })
      await within(WRITE_WAIT_MS, writing)
      failed = false
    } catch (error) {
      // They are as many as there are secrets; what was used meanwhile is newer.
      for (const [key, use] of gathered) if (!uses.has(key)) uses.set(key, use)
      if (!failed) log.warn({ err: error }, 'the last use of secrets cannot be written down at the moment')
      failed = true
    }
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
