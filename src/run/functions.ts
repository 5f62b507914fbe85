import type { Definition, Integrations } from '../integrations/integrations.ts'

/** The current versions of the functions that a definition names; one that does not exist is absent. */
export function versionsOf(
  definition: Definition,
  applicationId: string,
  integrations: Pick<Integrations, 'rewriteFunction'>,
): Record<string, string> {
  const found = namesIn(definition).flatMap((name) => {
    const known = integrations.rewriteFunction(applicationId, name)
    return known?.enabled ? [[name, known.version] as const] : []
  })
  return Object.fromEntries(found)
}

/** Whether it names one that this process has never heard of. */
export function namesUnknown(
  definition: Definition,
  applicationId: string,
  integrations: Pick<Integrations, 'rewriteFunction'>,
): boolean {
  return namesIn(definition).some((name) => !integrations.rewriteFunction(applicationId, name))
}

function namesIn({ nodes }: Definition): string[] {
  return nodes.flatMap((node) => ('function' in node && node.function ? [node.function] : []))
}
