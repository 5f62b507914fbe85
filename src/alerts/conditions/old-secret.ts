import { z } from 'zod'
import { type Integration, listedSecrets } from '../../integrations/integrations.ts'
import { defineCondition, type Watch } from '../condition.ts'
import { quoted, spokenSpan } from '../spoken.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

interface Limits {
  retiresWithinDays: number
  usedWithinHours: number
}

/** The sender still signs with a secret that ends soon: from then on it would be refused. */
export const oldSecret = defineCondition({
  name: 'old_secret',
  about: 'integration',
  limits: {
    retiresWithinDays: z.int().min(1).max(365).default(7),
    usedWithinHours: z.int().min(1).max(8_760).default(24),
  },
  async find(watches, { integrations, now }) {
    const ending = watches.flatMap((watch) => endingSecrets(watch, integrations.integration(watch.id), now))
    const uses = await integrations.findSecretUses([...new Set(ending.map(({ watch }) => watch.id))])
    return ending.flatMap(({ watch, secretId, leftMs }) => {
      const usedAt = uses.get(watch.id)?.get(secretId)
      const usedFrom = now.getTime() - watch.limits.usedWithinHours * HOUR_MS
      if (usedAt === undefined || usedAt.getTime() < usedFrom) return []
      const sentence = `the sender of integration ${quoted(watch.name)} still uses secret ${quoted(secretId)}, which retires in ${spokenSpan(leftMs)}`
      return [{ id: watch.id, part: secretId, sentence }]
    })
  },
})

function endingSecrets(watch: Watch<Limits>, integration: Integration | undefined, now: Date) {
  return listedSecrets(integration?.definition.proof ?? null).flatMap(({ id: secretId, retiresAt }) => {
    if (secretId === undefined || retiresAt === undefined) return []
    const leftMs = Date.parse(retiresAt) - now.getTime()
    return leftMs > 0 && leftMs <= watch.limits.retiresWithinDays * DAY_MS
      ? [{ watch, secretId, leftMs }]
      : []
  })
}
