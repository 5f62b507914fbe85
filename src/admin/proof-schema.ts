import { z } from 'zod'
import type { Preset } from '../sources/sources.ts'

/** What a source asks for as `proof`, as JSON schema; undefined where it has no way to prove itself. */
export function proofSchemaOf({ proof }: Preset): object | undefined {
  if (!proof) return undefined
  const { $schema: _dialect, ...schema } = z.toJSONSchema(proof.schema, {
    io: 'input',
    unrepresentable: 'any',
  })
  return schema
}
