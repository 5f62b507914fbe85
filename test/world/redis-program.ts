import { findProgram, installPackage } from './programs.ts'

/** The program on the search path, or null. */
export function findRedisProgram(searchPath: string): string | null {
  return findProgram(['redis-server', 'valkey-server'], searchPath)
}

/** Installs the Debian package where that is possible, and says so. */
export function installRedisProgram(searchPath: string): string | null {
  return installPackage('redis-server', 'a Redis', searchPath, () => findRedisProgram(searchPath))
}
