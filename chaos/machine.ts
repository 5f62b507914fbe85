import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { Redis } from 'ioredis'
import { VERSION } from '../src/platform/version.ts'
import type { Installation } from './world/installation.ts'

/** What figures depend on, named for the report. */
export type Machine = Record<string, string>

const GIB = 2 ** 30

/** @param site whose servers are asked for their versions */
export async function machineFacts(site?: Installation): Promise<Machine> {
  return {
    Sluice: VERSION,
    'Node.js': process.versions.node,
    ...(site && { PostgreSQL: await postgresVersion(site) }),
    ...(site?.kind === 'several' && { Redis: await redisVersion(site.redis.url) }),
    cores: `${availableParallelism()} (${cpus()[0]?.model.trim() || arch()})`,
    memory: `${Math.round(totalmem() / GIB)} GiB`,
    system: `${type()} ${release()}, ${arch()}`,
  }
}

async function postgresVersion(site: Installation): Promise<string> {
  const [row] = await (await site.sql())<
    { version: string }[]
  >`SELECT current_setting('server_version') AS version`
  return row?.version ?? ''
}

async function redisVersion(url: string): Promise<string> {
  const client = new Redis(url, { maxRetriesPerRequest: 1 })
  client.on('error', () => {})
  try {
    return /^redis_version:(\S+)/m.exec(await client.info('server'))?.[1] ?? ''
  } finally {
    client.disconnect()
  }
}
