import { z } from 'zod'
import { createLocalCopy, type LocalCopy, readLocalCopy } from '../platform/local-copy.ts'
import type { Log } from '../platform/log.ts'
import type { DefinitionRows } from './store.ts'

const FORM = { of: 'definitions', version: 1 }

/** The definitions as the database holds them: secrets are sealed here as they are there. */
export function copyDefinitions(file: string, log: Log): LocalCopy<DefinitionRows> {
  return createLocalCopy({ file, ...FORM, log })
}

const moment = z.coerce.date()
const rowsOf = <Shape extends z.ZodRawShape>(shape: Shape) => z.array(z.looseObject(shape))

/** As much as is to be known of rows that this program wrote. */
const rows = z.object({
  applications: rowsOf({ id: z.string(), slug: z.string(), allowedList: z.array(z.string()) }),
  integrations: rowsOf({ id: z.string(), applicationId: z.string(), definition: z.string() }),
  destinations: rowsOf({ id: z.string(), config: z.string() }),
  functions: rowsOf({ id: z.string(), name: z.string(), version: z.string() }),
  handshakes: rowsOf({
    integrationId: z.string(),
    waitingUntil: moment.nullable(),
    receivedAt: moment.nullable(),
  }),
  published: rowsOf({ source: z.string(), entries: z.array(z.string()), fetchedAt: moment }),
  revisions: rowsOf({ key: z.string(), revision: z.string() }),
})

/** @throws Error with a sentence when there is no copy, or none that can be read. */
export function readDefinitionsCopy(file: string): Promise<{ content: DefinitionRows; savedAt: Date }> {
  return readLocalCopy({ file, ...FORM }, (content) => rows.parse(content) as unknown as DefinitionRows)
}
