import { randomBytes } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { connect } from 'amqplib'
import { inject } from 'vitest'
import { findFreePort } from '../../src/platform/embedded-postgres/free-port.ts'
import { type ChildServer, launchChildServer } from '../world/child-server.ts'
import { eventually } from '../world/eventually.ts'

export interface RabbitmqServer extends ChildServer {
  port: number
  /** Opens a channel as the user of the tests. */
  open(): Promise<{
    channel: Awaited<ReturnType<Awaited<ReturnType<typeof connect>>['createChannel']>>
    close(): Promise<void>
  }>
}

/** A RabbitMQ of one's own with one user, and an epmd of its own. */
export async function startRabbitmq(): Promise<RabbitmqServer> {
  const folder = await mkdtemp(path.join(inject('scratch'), 'rabbitmq-'))
  const [port, distributionPort, epmdPort] = [
    await findFreePort(),
    await findFreePort(),
    await findFreePort(),
  ]
  await writeFile(path.join(folder, 'plugins'), '[].\n')
  await writeFile(
    path.join(folder, 'rabbitmq.conf'),
    [
      `listeners.tcp.local = 127.0.0.1:${port}`,
      'default_user = shop',
      'default_pass = rabbit-password',
      'disk_free_limit.absolute = 1MB',
      'log.console = true',
      'log.file = false',
    ].join('\n'),
  )
  const epmd = await launchChildServer({
    program: 'epmd',
    args: ['-address', '127.0.0.1', '-port', String(epmdPort)],
    cwd: folder,
    port: epmdPort,
    readyWaitMs: 10_000,
  })
  const server = await launchChildServer({
    program: inject('rabbitmqPath'),
    args: [],
    env: {
      HOME: folder,
      ERL_EPMD_ADDRESS: '127.0.0.1',
      ERL_EPMD_PORT: String(epmdPort),
      RABBITMQ_NODENAME: `sluice-${randomBytes(4).toString('hex')}@localhost`,
      RABBITMQ_DIST_PORT: String(distributionPort),
      RABBITMQ_CONFIG_FILE: path.join(folder, 'rabbitmq.conf'),
      RABBITMQ_CONF_ENV_FILE: path.join(folder, 'none'),
      RABBITMQ_ENABLED_PLUGINS_FILE: path.join(folder, 'plugins'),
      RABBITMQ_MNESIA_BASE: path.join(folder, 'data'),
      RABBITMQ_LOG_BASE: path.join(folder, 'log'),
      RABBITMQ_PID_FILE: path.join(folder, 'pid'),
    },
    cwd: folder,
    port,
    readyWaitMs: 90_000,
  })
  const open = async () => {
    const model = await connect(`amqp://shop:rabbit-password@127.0.0.1:${port}`)
    model.on('error', () => {})
    return { channel: await model.createChannel(), close: () => model.close() }
  }
  // It listens a moment before it lets anybody in.
  const ready = async () => {
    const opened = await eventually(open, 60_000)
    await opened.close()
  }
  await ready()
  return {
    port,
    open,
    kill9: server.kill9,
    async stop() {
      await server.stop()
      await epmd.stop()
    },
    async restart() {
      await server.restart()
      await ready()
    },
  }
}
