import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { witnessOf } from '../admin/admin.ts'
import { functionVersion, type Integrations } from '../integrations/integrations.ts'
import type { Log } from '../platform/log.ts'
import type { Rewriter } from '../rewrite/rewrite.ts'
import { commandAuthor } from './own-author.ts'

export const FUNCTIONS_FOLDER = fileURLToPath(new URL('../../rewrite-functions', import.meta.url))

/**
 * Imports the `*.js` of a folder into the ledger as versions by content. A file that is no function, or that cannot be
 * read, is named in the log and left out: one slip must not keep the gateway from starting.
 */
export async function importFunctions(
  folder: string,
  integrations: Integrations,
  rewriter: Pick<Rewriter, 'check'>,
  log: Log,
): Promise<void> {
  // A container may run without the folder.
  const files = await readdir(folder).catch(() => [])
  const witness = witnessOf(commandAuthor('start'), { action: 'import', resource: 'functions' })
  // Hidden ones are those of editors and archivers.
  const names = files.filter((name) => name.endsWith('.js') && !name.startsWith('.')).toSorted()
  for (const file of names) {
    const source = await readFile(path.join(folder, file), 'utf8').catch((error: Error) => {
      log.error({ file, problem: error.message }, 'a rewrite function cannot be read')
      return undefined
    })
    if (source === undefined) continue
    const name = file.slice(0, -'.js'.length)
    const known = integrations
      .rewriteFunctions()
      .find((one) => one.applicationId === null && one.name === name)
    // The check needs a sandbox, and so most of the time of a start.
    if (known?.enabled && known.version === functionVersion(source)) continue
    const checked = await rewriter.check(source)
    if (!checked.ok) {
      log.error(
        { file, line: checked.line, column: checked.column, problem: checked.message },
        'not a rewrite function',
      )
      continue
    }
    const given = { applicationId: null, name, enabled: true, source }
    await integrations.saveFunction(given, undefined, witness)
  }
}
