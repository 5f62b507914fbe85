import type { Context, MiddlewareHandler } from 'hono'
import { type Access, mayAct, type Owned, type Scope } from './access.ts'
import { Problem } from './problem.ts'

/** Whose a thing is: its application, `shared` for what every application may see, undefined for nothing or nobody's. */
export type FindOwner = (of: Owned, id: string) => Promise<string | undefined>
export const SHARED = 'shared'

declare module 'hono' {
  interface ContextVariableMap {
    findOwner: FindOwner
  }
}

/**
 * Holds a request against the table of access, before its fields are read: the role first, then what a key of one
 * application gets. What belongs to another application is answered as what does not exist.
 */
export function guard({ role, scope }: Access): MiddlewareHandler {
  return async (context, next) => {
    const { role: held, applicationId } = context.get('caller')
    if (!mayAct(held, role))
      throw new Problem(403, `this needs a key with the role "${role}"; yours is "${held}"`)
    if (applicationId !== null) await requireWithin(scope, applicationId, context)
    await next()
  }
}

async function requireWithin(scope: Scope, applicationId: string, context: Context): Promise<void> {
  if (scope.kind === 'all applications') throw new Problem(403, 'this needs a key for all applications')
  if (scope.kind === 'one') {
    await requireOwned(scope.of, context.req.param('id') ?? '', applicationId, context)
    await requireUnnamed(scope.fixed, context)
  }
  if (scope.kind === 'new') {
    await requireUnnamed(scope.fixed, context)
    if (await isNamedThrough(scope.through, applicationId, context)) return
    await nameApplication(scope.at, applicationId, context)
  }
}

async function requireOwned(of: Owned, id: string, applicationId: string, context: Context): Promise<void> {
  const owner = await context.get('findOwner')(of, id)
  if (owner !== applicationId && owner !== SHARED)
    throw new Problem(404, `there is no ${of} ${JSON.stringify(id)}`)
}

/** Some fields are for keys of all applications alone, because what they name is shared by all. */
async function requireUnnamed(fixed: readonly string[] = [], context: Context): Promise<void> {
  if (fixed.length === 0) return
  const body: unknown = await context.req.json()
  for (const field of fixed) {
    if (isObject(body) && body[field] !== undefined)
      throw new Problem(403, `"${field}" is given by a key for all applications alone`)
  }
}

/** Whether the body names something of the application, which stands for it. */
async function isNamedThrough(
  through: Readonly<Record<string, Owned>> = {},
  applicationId: string,
  context: Context,
): Promise<boolean> {
  const fields = Object.entries(through)
  if (fields.length === 0) return false
  const body = await context.req.json()
  const named = fields.filter(([field]) => isObject(body) && typeof body[field] === 'string')
  for (const [field, of] of named) await requireOwned(of, String(body[field]), applicationId, context)
  return named.length > 0
}

/** Names the application where the body does not, and refuses a body that names another one. */
async function nameApplication(
  at: readonly string[],
  applicationId: string,
  context: Context,
): Promise<void> {
  const body = await context.req.json()
  const named = nameAt(body, at, applicationId)
  context.req.json = async () => named as never
}

function nameAt(held: unknown, [key = '', ...rest]: readonly string[], applicationId: string): unknown {
  if (!isObject(held)) return held
  if (rest.length > 0) return { ...held, [key]: nameAt(held[key], rest, applicationId) }
  requireOwn(held[key], applicationId)
  return { ...held, [key]: applicationId }
}

/** @throws Problem when another application is named, whether there is one or not. */
export function requireOwn(named: unknown, applicationId: string): void {
  if (named !== undefined && named !== applicationId)
    throw new Problem(403, `your key is for the application ${applicationId} alone`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
