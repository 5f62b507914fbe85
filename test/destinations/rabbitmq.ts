import { randomBytes } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Channel, connect } from 'amqplib'
import { inject } from 'vitest'
import { findFreePort } from '../../src/platform/embedded-postgres/free-port.ts'
import { type ChildServer, launchChildServer } from '../world/child-server.ts'
import { eventually } from '../world/eventually.ts'

export interface Rabbitmq {
  host: string
  port: number
  vhost: string
  auth: { username: string; password: string }
  /** What the names of exchanges and queues begin with, because others may use a server that was given. */
  prefix: string
  /** Opens a channel as that user. */
  open(): Promise<{ channel: Channel; close(): Promise<void> }>
  close(): Promise<void>
}

export interface OwnRabbitmq extends Rabbitmq, Pick<ChildServer, 'kill9' | 'restart'> {}

/** The server at TEST_RABBITMQ_URL, or one of its own. */
export async function openRabbitmq(): Promise<Rabbitmq | OwnRabbitmq> {
  const given = inject('rabbitmqUrl')
  if (given === '') return startRabbitmq()
  const { hostname: host, port, username, password, pathname } = new URL(given)
  return {
    ...reach({
      host,
      port: Number(port || 5672),
      vhost: decodeURIComponent(pathname.slice(1)) || '/',
      auth: { username: decodeURIComponent(username), password: decodeURIComponent(password) },
    }),
    close: async () => {},
  }
}

/** A server that may be killed, with an epmd of its own. */
export async function startRabbitmq(): Promise<OwnRabbitmq> {
  const program = inject('rabbitmqPath')
  if (program === '')
    throw new Error('Tests that kill a RabbitMQ need rabbitmq-server on the PATH, beside TEST_RABBITMQ_URL')
  const folder = await mkdtemp(path.join(inject('scratch'), 'rabbitmq-'))
  const [port, distributionPort, epmdPort] = [
    await findFreePort(),
    await findFreePort(),
    await findFreePort(),
  ]
  const auth = { username: 'shop', password: 'rabbit-password' }
  await writeFile(path.join(folder, 'plugins'), '[].\n')
  await writeFile(
    path.join(folder, 'rabbitmq.conf'),
    [
      `listeners.tcp.local = 127.0.0.1:${port}`,
      `default_user = ${auth.username}`,
      `default_pass = ${auth.password}`,
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
    program,
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
    readyWaitMs: 120_000,
  })
  const reached = reach({ host: '127.0.0.1', port, vhost: '/', auth })
  // It listens a moment before it lets anybody in.
  const ready = async () => {
    const opened = await eventually(reached.open, 60_000)
    await opened.close()
  }
  await ready()
  return {
    ...reached,
    kill9: server.kill9,
    async restart() {
      await server.restart()
      await ready()
    },
    async close() {
      await server.stop()
      await epmd.stop()
    },
  }
}

function reach({ host, port, vhost, auth }: Pick<Rabbitmq, 'host' | 'port' | 'vhost' | 'auth'>) {
  return {
    host,
    port,
    vhost,
    auth,
    prefix: `sluice-test-${randomBytes(4).toString('hex')}`,
    async open() {
      const model = await connect({ hostname: host, port, vhost, ...auth })
      model.on('error', () => {})
      return { channel: await model.createChannel(), close: () => model.close() }
    },
  }
}
