import {
  type Definition,
  definitionSchema,
  hasNoOriginals,
  type Integrations,
  repeatedSecretIds,
  sendsOriginals,
} from '../../integrations/integrations.ts'
import { presetOf } from '../../sources/sources.ts'
import { type Fault, faultsOf } from '../problem.ts'
import { maskedFaults } from './masked-faults.ts'
import type { ResourceOptions } from './resource-options.ts'

/** What is wrong with an integration beyond its shape, each fault at its place. */
export async function integrationFaults(
  { id, applicationId, definition }: { id: string; applicationId: string; definition: Definition },
  { integrations, rewriter }: Pick<ResourceOptions, 'integrations' | 'rewriter'>,
): Promise<Fault[]> {
  return [
    ...idFaults(id, definition),
    ...maskedFaults('definition', definition),
    ...proofFaults(definition),
    ...publishedFaults(definition),
    ...definition.nodes.flatMap((_, index) => nodeFaults(definition, index, applicationId, integrations)),
    ...(await mappingFaults(definition, rewriter)),
  ]
}

const UNGUESSABLE = /^[0-9a-f]{24}$/

/** A short id can be guessed, so it is only for senders who prove themselves. */
function idFaults(id: string, { proof, clientCertificate }: Definition): Fault[] {
  if (UNGUESSABLE.test(id) || proof !== null || clientCertificate !== null) return []
  const message = 'an id other than 24 hex digits needs a definition with "proof" or "clientCertificate"'
  return [{ path: 'id', message }]
}

/** Read again with the secrets that were kept: another source may ask for secrets of another form. */
function proofFaults(definition: Definition): Fault[] {
  const repeated = repeatedSecretIds(definition.proof).map((id) => ({
    path: 'definition.proof',
    message: `two secrets have the id "${id}"`,
  }))
  const read = definitionSchema.safeParse(definition)
  return [...repeated, ...(read.success ? [] : faultsOf(read.error, ['definition']))]
}

function publishedFaults({ source, allowPublished }: Definition): Fault[] {
  const { title, publishedAddresses } = presetOf(source)
  if (!allowPublished || publishedAddresses) return []
  return [{ path: 'definition.allowPublished', message: `${title} publishes no addresses` }]
}

function nodeFaults(
  definition: Definition,
  index: number,
  applicationId: string,
  integrations: Integrations,
): Fault[] {
  const node = definition.nodes[index]
  if (!node) return []
  const at = ['definition', 'nodes', String(index)]
  const faults: Fault[] = []
  if (
    'function' in node &&
    node.function !== undefined &&
    !integrations.rewriteFunction(applicationId, node.function)
  ) {
    faults.push({
      path: [...at, 'function'].join('.'),
      message: `there is no rewrite function "${node.function}"`,
    })
  }
  if (node.kind === 'push' && integrations.destination(node.destination)?.applicationId !== applicationId) {
    faults.push({
      path: [...at, 'destination'].join('.'),
      message: 'the application has no such destination',
    })
  }
  if (
    node.kind === 'push' &&
    hasNoOriginals(definition) &&
    sendsOriginals(integrations.destination(node.destination))
  ) {
    faults.push({
      path: [...at, 'destination'].join('.'),
      message:
        'sends original bodies, and with "split" an event is one element of a body: it has none of its own',
    })
  }
  return faults
}

/** One after the other: they share the sandbox with what runs for senders. */
async function mappingFaults(
  { nodes }: Definition,
  rewriter: Pick<ResourceOptions['rewriter'], 'checkMapping'>,
): Promise<Fault[]> {
  const faults: Fault[] = []
  for (const [index, node] of nodes.entries()) {
    if (!('mapping' in node) || node.mapping === undefined) continue
    const at = ['definition', 'nodes', String(index), 'mapping']
    for (const { keys, message } of await rewriter.checkMapping(node.mapping))
      faults.push({ path: [...at, ...keys].join('.'), message })
  }
  return faults
}
