import type { z } from '@hono/zod-openapi'
import { type Integrations, namesFunction, type RewriteFunction } from '../../integrations/integrations.ts'
import { newId } from '../../platform/ids.ts'
import type { Witness } from '../../platform/witness.ts'
import type { Resource } from '../crud.ts'
import { Problem, throwFaults } from '../problem.ts'
import { functionIn, functionOut } from '../schemas.ts'
import { requireApplication } from './belonging.ts'
import type { ResourceOptions } from './resource-options.ts'

export function functionResource({
  integrations,
  rewriter,
}: ResourceOptions): Resource<z.infer<typeof functionIn>> {
  async function show(given: RewriteFunction): Promise<object> {
    return { ...given, source: await integrations.sourceOf(given.version) }
  }
  const byId = (id: string) => integrations.rewriteFunctions().find((known) => known.id === id)

  async function save(
    id: string,
    input: z.infer<typeof functionIn>,
    revision: string | undefined,
    witness: Witness,
  ): Promise<object | undefined> {
    const taken = integrations
      .rewriteFunctions()
      .some(
        (known) =>
          known.applicationId === input.applicationId && known.name === input.name && known.id !== id,
      )
    if (taken) throw new Problem(409, `the application has a function "${input.name}" already`)
    const checked = await rewriter.check(input.source)
    if (!checked.ok) {
      const place = checked.line === undefined ? '' : `line ${checked.line}, column ${checked.column}: `
      throwFaults([{ path: 'source', message: `${place}${checked.message}` }])
    }
    const saved = await integrations.saveFunction({ ...input, id }, revision, witness)
    return saved && show(saved)
  }

  return {
    path: 'functions',
    name: 'rewrite function',
    input: functionIn,
    output: functionOut,
    list: (applicationId) =>
      Promise.all(
        integrations
          .rewriteFunctions()
          .filter(
            (known) => applicationId === undefined || [applicationId, null].includes(known.applicationId),
          )
          .map(show),
      ),
    find(id) {
      const known = byId(id)
      return known && show(known)
    },
    guard(given) {
      if ((given as RewriteFunction).applicationId !== null) return
      throw new Problem(409, 'this function comes from a file in rewrite-functions/ and is changed there')
    },
    revision: (id) => integrations.revisionOf('functions', id),
    async create(input, witness) {
      requireApplication(input.applicationId, integrations)
      return (await save(newId(), input, undefined, witness)) ?? {}
    },
    change(id, input, revision, witness) {
      const before = byId(id)
      if (before && before.name !== input.name) requireUnused(before, integrations)
      return save(id, input, revision, witness)
    },
    async delete(id, witness) {
      const before = byId(id)
      if (before) requireUnused(before, integrations)
      const isDeleted = await integrations.delete('functions', id, witness)
      // One may have begun to use it meanwhile.
      if (before && !isDeleted) requireUnused(before, integrations)
      return isDeleted
    },
  }
}

/** Nodes name their function, so it may not go away under that name. */
function requireUnused(given: RewriteFunction, integrations: Integrations): void {
  const user = integrations
    .integrations()
    .find(
      ({ applicationId, definition }) =>
        applicationId === given.applicationId && namesFunction(definition, given.name),
    )
  if (user) throw new Problem(409, `integration ${user.id} still uses this function`)
}
