import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { writeDurably } from '../platform/durable-file.ts'
import { newToken } from '../platform/ids.ts'
import type { Settings } from '../platform/settings.ts'

/** The key that seals secrets: the settings' own, or in embedded mode one made once. */
export async function masterKey(settings: Settings): Promise<Buffer> {
  const text =
    settings.SLUICE_MASTER_KEY !== ''
      ? settings.SLUICE_MASTER_KEY
      : await keepSecret(settings.SLUICE_HOME, 'master.key', () => randomBytes(32).toString('base64'))
  return Buffer.from(text, 'base64')
}

/** The administrator's key of embedded mode, made once. */
export function adminKey(home: string): Promise<string> {
  return keepSecret(home, 'admin.key', () => `sk_${newToken()}`)
}

/** A secret in a file that only its owner may read; made when it is missing. */
export async function keepSecret(home: string, name: string, make: () => string): Promise<string> {
  const file = path.join(home, name)
  const known = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (known !== undefined && known.trim() !== '') return known.trim()
  const secret = make()
  await writeDurably(file, `${secret}\n`)
  return secret
}
