import type { Role } from './access.ts'

/** Who asks: the holder of a key, at an address. */
export interface Caller {
  /** Null for the key of the settings, which is in no list. */
  keyId: string | null
  name: string
  role: Role
  /** The one application that the key is for; null for all. */
  applicationId: string | null
  sourceIp: string
}

declare module 'hono' {
  interface ContextVariableMap {
    caller: Caller
  }
}
