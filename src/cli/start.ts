import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from 'pino'
import { writeDurably } from '../platform/durable-file.ts'
import { print } from '../platform/log.ts'
import { describeSettings, type Settings } from '../platform/settings.ts'
import { VERSION } from '../platform/version.ts'
import { welcome } from './banner.ts'
import { seedDemo } from './demo.ts'
import { type DemoReceiver, startDemoReceiver } from './demo-receiver.ts'
import { type Gateway, type Role, startGateway } from './gateway.ts'

/** Runs Sluice until it is told to stop. Gives the exit code. */
export async function runUntilStopped(settings: Settings, role: Role, log: Logger): Promise<number> {
  const stop = listenForStop()
  const embedded = settings.DATABASE_URL === ''
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
      else log.info({ role, url: gateway.url, port: gateway.port, adminPort: gateway.adminPort }, 'ready')
      const code = await stop.asked(log)
      if (code === 0) await gateway.leave()
      return code
    } finally {
      log.info('stopping: what is under way is finished first')
      // While the data is still ours: the next Sluice writes a file of its own.
      if (demo) await rm(devFile(settings), { force: true })
      await gateway.close()
      log.info('stopped')
    }
  } finally {
    await demo?.close()
  }
}

async function welcomeNewcomer(gateway: Gateway, demo: DemoReceiver): Promise<void> {
  const { settings } = gateway
  const receivedUrl = await demo.open()
  const integrationId = await seedDemo(gateway.integrations, settings.SLUICE_HOME, receivedUrl)
  const facts = {
    url: gateway.url,
    adminKey: gateway.adminKey,
    ...(integrationId && { integrationId, webhookUrl: `${gateway.url}/integration/${integrationId}` }),
    receivedUrl,
  }
  const adminUrl = gateway.adminPort === gateway.port ? gateway.url : withPort(gateway.url, gateway.adminPort)
  await writeDurably(devFile(settings), `${JSON.stringify(facts, null, 2)}\n`)
  print(
    welcome({
      ...facts,
      adminUrl,
      loopbackAllowed: gateway.loopbackAllowed,
      certificateUnsure: settings.TLS_CERT !== '' && settings.PUBLIC_URL === '',
      home: path.resolve(settings.SLUICE_HOME),
    }),
  )
}

function withPort(url: string, port: number): string {
  const changed = new URL(url)
  changed.port = String(port)
  return changed.origin
}

function devFile(settings: Settings): string {
  return path.join(settings.SLUICE_HOME, 'dev.json')
}

/** Only what was set, so that the line can be read. */
function changedSettings(settings: Settings): Record<string, string> {
  const shown = Object.entries(describeSettings(settings)).filter(([name]) => process.env[name] !== undefined)
  return Object.fromEntries(shown)
}

/** One Ctrl-C comes more than once: from the terminal, and passed on by npm and by the launcher. */
const SAME_SIGNAL_MS = 1_000

/** The first signal asks for a drain; a later one ends at once. SIGHUP is a terminal that was closed. */
function listenForStop() {
  const { promise, resolve } = Promise.withResolvers<{ code: number; why: string }>()
  let askedAt: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      askedAt ??= performance.now()
      if (performance.now() - askedAt > SAME_SIGNAL_MS) process.exit(1)
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
