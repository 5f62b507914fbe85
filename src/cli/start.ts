import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from 'pino'
import { describeSettings, type Settings } from '../platform/settings.ts'
import { VERSION } from '../platform/version.ts'
import { welcome } from './banner.ts'
import { type DemoReceiver, seedDemo, startDemoReceiver } from './demo.ts'
import { type Gateway, type Role, startGateway } from './gateway.ts'
import { writePrivate } from './home.ts'

/** Runs Sluice until it is told to stop. Gives the exit code. */
export async function runUntilStopped(settings: Settings, role: Role, log: Logger): Promise<number> {
  const stop = listenForStop()
  const embedded = settings.DATABASE_URL === ''
  if (embedded && role !== 'all')
    throw new Error('--role edge and --role worker need DATABASE_URL and REDIS_URL')
  log.info({ version: VERSION, role, settings: changedSettings(settings) }, 'starting')
  const demo = embedded ? await startDemoReceiver(settings.SLUICE_HOME) : undefined
  try {
    const gateway = await startGateway({
      settings,
      role,
      log,
      ...(demo && { outboundAllowed: [{ host: '127.0.0.1', port: demo.port }] }),
      onFatal: (sentence) => stop.fail(sentence),
    })
    try {
      if (demo) await welcomeNewcomer(gateway, demo)
      else log.info({ url: gateway.url, port: gateway.port, adminPort: gateway.adminPort }, 'ready')
      return await stop.asked(log)
    } finally {
      log.info('stopping: what is under way is finished first')
      await gateway.close()
    }
  } finally {
    await demo?.close()
    if (embedded) await rm(devFile(settings), { force: true })
    log.info('stopped')
  }
}

async function welcomeNewcomer(gateway: Gateway, demo: DemoReceiver): Promise<void> {
  const { settings } = gateway
  const integrationId = await seedDemo(gateway.integrations, settings.SLUICE_HOME, demo.receivedUrl)
  const facts = {
    url: gateway.url,
    adminKey: gateway.adminKey,
    integrationId,
    webhookUrl: `${gateway.url}/integration/${integrationId}`,
    receivedUrl: demo.receivedUrl,
  }
  await writePrivate(devFile(settings), `${JSON.stringify(facts, null, 2)}\n`)
  process.stdout.write(
    welcome({ ...facts, loopbackAllowed: gateway.loopbackAllowed, home: settings.SLUICE_HOME }),
  )
}

function devFile(settings: Settings): string {
  return path.join(settings.SLUICE_HOME, 'dev.json')
}

/** Only what was set, so that the line can be read. */
function changedSettings(settings: Settings): Record<string, string> {
  const shown = Object.entries(describeSettings(settings)).filter(([name]) => process.env[name] !== undefined)
  return Object.fromEntries(shown)
}

/** The first signal asks for a drain; a second one ends at once. */
function listenForStop() {
  const { promise, resolve } = Promise.withResolvers<{ code: number; why: string }>()
  let asked = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(1)
      asked = true
      resolve({ code: 0, why: signal })
    })
  }
  return {
    fail: (sentence: string) => resolve({ code: 1, why: sentence }),
    async asked(log: Logger): Promise<number> {
      const { code, why } = await promise
      if (code === 0) log.info({ signal: why }, 'asked to stop')
      else log.fatal(why)
      return code
    },
  }
}
