/**
 * What every test file shares: a real PostgreSQL with a template database that Sluice was started on, and a real Redis, started before the
 * first test and gone after the last. Two runs of the suite at once do not meet.
 */
import { randomBytes } from 'node:crypto'
import { flushCompileCache } from 'node:module'
import path from 'node:path'
import postgres from 'postgres'
import type { TestProject } from 'vitest/node'
import { startGateway } from '../../src/cli/gateway.ts'
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'
import { createLog } from '../../src/platform/log.ts'
import { readSettings } from '../../src/platform/settings.ts'
import { copyCluster } from './made-cluster.ts'
import { useMemoryDisk } from './memory-disk.ts'
import { findRedisProgram, installRedisProgram } from './redis-program.ts'
import { launchRedis } from './redis-server.ts'
import { makeScratch, sweep, sweepAbandoned, sweepAtExit } from './scratch.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** A database on the shared PostgreSQL, as a user who may create databases. */
    adminDatabaseUrl: string
    /** The name of the database that `freshDatabase` copies: Sluice was started on it once. */
    templateDatabase: string
    redisUrl: string
    /** The program for Redis servers of one's own; empty where there is none. */
    redisServerPath: string
    /** A home with the cluster of an embedded PostgreSQL that Sluice was started on once; `copyCluster` copies it. */
    madeHome: string
    /** The folder for everything that is thrown away; servers below it are ended at last. */
    scratch: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await useMemoryDisk()
  await sweepAbandoned()
  const scratch = await makeScratch()
  // Ctrl-C ends the suite without its teardown.
  const atExit = () => sweepAtExit(scratch)
  process.once('exit', atExit)
  const redis = await provideRedis(project, scratch)
  const madeHome = await makeHome(scratch)
  const database = await providePostgres(project, scratch, madeHome)
  project.provide('madeHome', madeHome)
  project.provide('scratch', scratch)
  // For the workers, which load the same.
  flushCompileCache()
  return async () => {
    await database.close()
    await redis.close()
    await sweep(scratch)
    process.off('exit', atExit)
  }
}

const COMPLAINING = { info: () => {}, warn: complain, error: complain }

interface Service {
  close(): Promise<void>
}

async function provideRedis(project: TestProject, scratch: string): Promise<Service> {
  const searchPath = process.env.PATH ?? ''
  const given = process.env.TEST_REDIS_URL
  const program = findRedisProgram(searchPath) ?? installRedisProgram(searchPath)
  project.provide('redisServerPath', program ?? '')
  if (given) {
    if (program === null)
      console.warn(
        'Tests that kill their Redis will fail: beside TEST_REDIS_URL they need redis-server or valkey-server on the PATH.',
      )
    project.provide('redisUrl', given)
    return { close: async () => {} }
  }
  if (program === null) {
    console.error(
      'The tests need a Redis: install redis-server or valkey-server so that it is on the PATH, or set TEST_REDIS_URL.',
    )
    process.exit(1)
  }
  const server = await launchRedis({ path: program, scratch })
  project.provide('redisUrl', server.url)
  return { close: server.stop }
}

async function makeHome(scratch: string): Promise<string> {
  const home = path.join(scratch, 'made')
  const server = await startEmbeddedPostgres({ home, log: COMPLAINING })
  await startOnce(server.url, path.join(scratch, 'made-gateway'))
  await server.close()
  return home
}

async function providePostgres(project: TestProject, scratch: string, madeHome: string): Promise<Service> {
  const server = await findPostgres(scratch, madeHome)
  const template = `sluice_test_${process.pid}_${Date.now().toString(36)}`
  project.provide('adminDatabaseUrl', server.url)
  project.provide('templateDatabase', template)
  const admin = postgres(server.url, { max: 1, onnotice: () => {} })
  const from = server.isMade ? databaseOf(server.url) : 'template1'
  await admin`CREATE DATABASE ${admin(template)} TEMPLATE ${admin(from)}`
  if (!server.isMade)
    await startOnce(databaseUrl(server.url, template), path.join(scratch, 'template-gateway'))
  return {
    close: async () => {
      const ours = await admin<{ name: string }[]>`
        SELECT datname AS name FROM pg_database WHERE starts_with(datname, ${template})`
      for (const { name } of ours) await admin`DROP DATABASE IF EXISTS ${admin(name)} WITH (FORCE)`
      await admin.end({ timeout: 5 })
      await server.close()
    },
  }
}

/** Tables, partitions and the functions of the program are there then: half of the time of a first start. */
async function startOnce(url: string, home: string): Promise<void> {
  const settings = readSettings({
    DATABASE_URL: url,
    SLUICE_HOME: home,
    SLUICE_MASTER_KEY: randomBytes(32).toString('base64'),
    SLUICE_ADMIN_KEY: randomBytes(24).toString('hex'),
    PORT: '0',
    HOST: '127.0.0.1',
  })
  const gateway = await startGateway({ settings, role: 'edge', log: createLog('warn') })
  await gateway.close()
}

/** `isMade` where Sluice was started on its database. */
async function findPostgres(
  scratch: string,
  madeHome: string,
): Promise<Service & { url: string; isMade: boolean }> {
  const given = process.env.TEST_DATABASE_URL
  if (given) return { url: given, isMade: false, close: async () => {} }
  const home = path.join(scratch, 'postgres-shared')
  await copyCluster(madeHome, home)
  const server = await startEmbeddedPostgres({
    home,
    // Many test files at once, each with its pools; the files are small, and so may the log of changes be.
    settings: {
      max_connections: '400',
      shared_buffers: '256MB',
      max_wal_size: '2GB',
      checkpoint_timeout: '30min',
      // Nothing lives long enough to be worth it.
      autovacuum: 'off',
      // Most statements of a test run a few times on each connection: planning them anew each time takes longer.
      plan_cache_mode: 'force_generic_plan',
    },
    log: COMPLAINING,
  })
  return { url: server.url, isMade: true, close: server.close }
}

function databaseOf(url: string): string {
  return new URL(url).pathname.slice(1)
}

function databaseUrl(adminUrl: string, name: string): string {
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return url.href
}

function complain(fields: unknown, message?: string): void {
  console.warn(message ?? '', fields)
}
