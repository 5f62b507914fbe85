import type { Definition, Integrations } from '../integrations/integrations.ts'

/** The current versions of the functions that a definition names; one that does not exist is absent. */
export function versionsOf(
  definition: Definition,
  applicationId: string,
  integrations: Pick<Integrations, 'rewriteFunction'>,
): Record<string, string> {
  const names = definition.nodes.flatMap((node) =>
    'function' in node && node.function ? [node.function] : [],
  )
  const found = names.flatMap((name) => {
    const known = integrations.rewriteFunction(applicationId, name)
    return known?.enabled ? [[name, known.version] as const] : []
  })
  return Object.fromEntries(found)
}
