import { fillDisk } from './disk.ts'
import { anyOf, type EmbeddedFault, MOMENT, SHORT } from './fault.ts'
import { freeze, freezeSandboxes, keepDown, killSandboxes } from './gateways.ts'
import { freezePostgres, killPostgres } from './postgres.ts'

/** One process with everything in it: `npm start`. */
export const EMBEDDED_FAULTS: readonly EmbeddedFault[] = [
  {
    name: 'embedded-kill',
    does: 'kill -9 of a Sluice with the embedded PostgreSQL, started again',
    on: 'embedded',
    to: 'gateway',
    lastsMs: [200, 1_500],
    begin: ({ edges }, chance) => keepDown(anyOf(edges, chance), 'SIGKILL'),
  },
  {
    name: 'embedded-restart',
    does: 'SIGTERM of it, started again',
    on: 'embedded',
    to: 'gateway',
    lastsMs: MOMENT,
    begin: ({ edges }, chance) => keepDown(anyOf(edges, chance), 'SIGTERM'),
  },
  {
    name: 'embedded-freeze',
    does: 'SIGSTOP of it, and SIGCONT',
    on: 'embedded',
    to: 'gateway',
    lastsMs: SHORT,
    begin: async (site) => freeze(site, [site.edges[0]?.pid()]),
  },
  {
    name: 'embedded-postgres-kill',
    does: 'kill -9 of its PostgreSQL',
    on: 'embedded',
    to: 'postgres',
    lastsMs: MOMENT,
    begin: killPostgres,
  },
  {
    name: 'embedded-postgres-freeze',
    does: 'SIGSTOP of its PostgreSQL and all sessions, and SIGCONT',
    on: 'embedded',
    to: 'postgres',
    lastsMs: SHORT,
    needs: ['process table'],
    begin: freezePostgres,
  },
  {
    name: 'embedded-sandbox-kill',
    does: 'kill -9 of the processes that execute its rewrite functions',
    on: 'embedded',
    to: 'sandbox',
    lastsMs: MOMENT,
    needs: ['process table'],
    begin: killSandboxes,
  },
  {
    name: 'embedded-sandbox-freeze',
    does: 'SIGSTOP of them, and SIGCONT',
    on: 'embedded',
    to: 'sandbox',
    lastsMs: SHORT,
    needs: ['process table'],
    begin: freezeSandboxes,
  },
  {
    name: 'embedded-disk-full',
    does: 'the disk of SLUICE_HOME becomes full to the last byte, and gets room again',
    on: 'embedded',
    to: 'postgres',
    lastsMs: SHORT,
    needs: ['small disk'],
    begin: fillDisk,
  },
]
