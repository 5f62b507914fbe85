/** The edge with everything on: allowlist, signature, dedupe key, fsynced commit, queue. Told what to do by ack.ts. */
import { startGateway } from '../src/cli/gateway.ts'
import { createLog } from '../src/platform/log.ts'
import { readSettings } from '../src/platform/settings.ts'

const settings = readSettings(process.env)
const gateway = await startGateway({ settings, role: 'edge', log: createLog(settings.LOG_LEVEL) })
process.send?.({ port: gateway.port })
process.on('SIGTERM', () => {
  gateway.close().then(() => process.exit(0))
})
