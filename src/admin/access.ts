/** Who may do what: one table, from which the API is guarded, its document written and docs/access.md held. */

/** Each may do what those before it may. */
export const ROLES = ['viewer', 'editor', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Things that belong to an application. */
export type Owned =
  | 'application'
  | 'integration'
  | 'destination'
  | 'rewrite function'
  | 'alert channel'
  | 'alert rule'
  | 'event'
  | 'delivery'
  | 'dead letter'
  | 'replay'
  | 'incident'
  | 'erasure'
  | 'API key'

/** What a key of one application gets. */
export type Scope =
  /** Nothing of it belongs to any application. */
  | { kind: 'open' }
  /** 403: it touches all applications. */
  | { kind: 'all applications' }
  /** A list, narrowed down to its application where it is read. */
  | { kind: 'list' }
  /** The thing that the path names; another application's is as if it were not there. */
  | { kind: 'one'; of: Owned; fixed?: readonly string[] }
  /** A body that names its application, or nothing else. */
  | {
      kind: 'new'
      at: readonly string[]
      through?: Readonly<Record<string, Owned>>
      fixed?: readonly string[]
    }

export interface Access {
  role: Role
  scope: Scope
}

const open: Scope = { kind: 'open' }
const all: Scope = { kind: 'all applications' }
const list: Scope = { kind: 'list' }
const one = (of: Owned): Scope => ({ kind: 'one', of })
const made: Scope = { kind: 'new', at: ['applicationId'] }

const viewer = (scope: Scope): Access => ({ role: 'viewer', scope })
const editor = (scope: Scope): Access => ({ role: 'editor', scope })
const admin = (scope: Scope): Access => ({ role: 'admin', scope })

/** By method and path; the API serves nothing else. */
export const ACCESS: Readonly<Record<string, Access>> = {
  'get /applications': viewer(list),
  'post /applications': admin(all),
  'get /applications/{id}': viewer(one('application')),
  // The slug is a host name, which all applications share.
  'patch /applications/{id}': admin({ kind: 'one', of: 'application', fixed: ['slug'] }),
  'delete /applications/{id}': admin(all),

  'get /integrations': viewer(list),
  // Ids are shared by all applications: who could choose them could ask which are taken.
  'post /integrations': editor({ kind: 'new', at: ['applicationId'], fixed: ['id'] }),
  'get /integrations/{id}': viewer(one('integration')),
  'patch /integrations/{id}': editor(one('integration')),
  'delete /integrations/{id}': editor(one('integration')),
  'post /integrations/{id}/test': editor(one('integration')),
  'get /integrations/{id}/merge-fields': viewer(one('integration')),
  'post /integrations/{id}/handshake/await': editor(one('integration')),
  'post /integrations/{id}/handshake/confirm': editor(one('integration')),
  'delete /integrations/{id}/handshake': editor(one('integration')),

  'get /destinations': viewer(list),
  'post /destinations': editor(made),
  'get /destinations/{id}': viewer(one('destination')),
  'patch /destinations/{id}': editor(one('destination')),
  'delete /destinations/{id}': editor(one('destination')),
  'post /destinations/{id}/test': editor(one('destination')),
  'post /destinations/{id}/pause': editor(one('destination')),
  'post /destinations/{id}/resume': editor(one('destination')),

  'get /functions': viewer(list),
  'post /functions': editor(made),
  'get /functions/{id}': viewer(one('rewrite function')),
  'patch /functions/{id}': editor(one('rewrite function')),
  'delete /functions/{id}': editor(one('rewrite function')),

  'get /events': viewer(list),
  'get /events/{id}': viewer(one('event')),
  'get /events/{id}/merge-fields': viewer(one('event')),
  'post /events/{id}/replay': editor(one('event')),
  'post /events/{id}/release': editor(one('event')),
  'post /events/{id}/discard': editor(one('event')),
  'get /requests': viewer(list),

  'get /deliveries': viewer(list),
  'get /deliveries/{id}': viewer(one('delivery')),
  'patch /deliveries/{id}': editor(one('delivery')),
  'post /deliveries/{id}/cancel': editor(one('delivery')),
  'post /deliveries/{id}/try-now': editor(one('delivery')),
  'post /deliveries/{id}/replay': editor(one('delivery')),
  'get /dead-letters': viewer(list),
  'get /dead-letters/{id}': viewer(one('dead letter')),
  'post /dead-letters/{id}/discard': editor(one('dead letter')),

  'get /replays': viewer(list),
  'post /replays': editor({ kind: 'new', at: ['filter', 'applicationId'] }),
  'get /replays/{id}': viewer(one('replay')),
  'post /replays/{id}/cancel': editor(one('replay')),

  'get /sources': viewer(open),
  'post /sources/{name}/addresses/refresh': editor(all),

  'get /incidents': viewer(list),
  'get /incidents/{id}': viewer(one('incident')),
  'get /alert-channels': viewer(list),
  'post /alert-channels': admin(made),
  'get /alert-channels/{id}': viewer(one('alert channel')),
  'patch /alert-channels/{id}': admin(one('alert channel')),
  'delete /alert-channels/{id}': admin(one('alert channel')),
  'post /alert-channels/{id}/test': admin(one('alert channel')),
  'get /alert-rules': viewer(list),
  'post /alert-rules': admin({
    kind: 'new',
    at: ['applicationId'],
    through: { integrationId: 'integration', destinationId: 'destination' },
  }),
  'get /alert-rules/{id}': viewer(one('alert rule')),
  'patch /alert-rules/{id}': admin(one('alert rule')),
  'delete /alert-rules/{id}': admin(one('alert rule')),

  'get /erasures': admin(list),
  'post /erasures': admin(made),
  'get /erasures/{id}': admin(one('erasure')),
  'post /erasures/{id}/confirm': admin(one('erasure')),
  'post /erasures/{id}/cancel': admin(one('erasure')),
  'get /retention': viewer(all),

  'get /api-keys': admin(list),
  'post /api-keys': admin(made),
  'get /api-keys/{id}': admin(one('API key')),
  'delete /api-keys/{id}': admin(one('API key')),
  'get /audit-log': admin(list),
}

/** @throws Error for a route that the table does not have: nothing is served that nobody has thought about. */
export function accessOf(method: string, path: string): Access {
  const access = ACCESS[`${method} ${path}`]
  if (!access) throw new Error(`the table of access has no row for ${method} ${path}`)
  return access
}

export function mayAct(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

/** For the document of the API and the table in docs/access.md. */
export function describeScope(scope: Scope): string {
  switch (scope.kind) {
    case 'open':
      return 'the same as any key: nothing of it belongs to an application'
    case 'all applications':
      return 'nothing (403)'
    case 'list':
      return 'what belongs to its application'
    case 'one':
      return `only ${scope.of === 'application' ? 'its application' : 'what belongs to its application'}${without(scope.fixed)}`
    case 'new':
      return `only its application${without(scope.fixed)}`
  }
}

function without(fixed: readonly string[] = []): string {
  return fixed.length === 0 ? '' : `, without \`${fixed.join('`, `')}\``
}
