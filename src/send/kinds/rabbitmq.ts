import { isIP, type Socket } from 'node:net'
import type { ChannelModel, ConfirmChannel, Options } from 'amqplib'
import { type WrittenBody, writeBody } from '../../http-request/http-request.ts'
import type { ConfigOf } from '../../integrations/integrations.ts'
import { compileBodyTemplate, languageOf, renderBody } from '../../payload/body-template.ts'
import type { Json } from '../../payload/exact-json.ts'
import type { Verdict } from '../verdict.ts'
import { Failed, type Kind, type Link, loadClient } from './kind.ts'
import { isOpen, secretsOf, tlsOptions } from './tls.ts'
import { fillText, readValues, textOf } from './values.ts'

type Config = ConfigOf<'rabbitmq'>

/** A connection with one channel: what ends a channel, ends no other delivery. */
interface RabbitLink extends Link {
  channel: ConfirmChannel
}

interface Parcel {
  exchange: string
  routingKey: string
  content: Buffer
  options: Options.Publish
}

/** AMQP 0-9-1 writes both as short strings. */
const NAME_BYTES_MAX = 255

/** Messages to an exchange of RabbitMQ, confirmed by the broker. The message id is the id of the delivery. */
export const rabbitmqKind: Kind<Config, Parcel, RabbitLink> = {
  address: (config) => ({ method: 'PUBLISH', url: urlOf(config, config.exchange) }),
  secrets: secretsOf,
  pack(config, item, facts) {
    const exchange = nameOf('exchange', config.exchange, item, config.unknownFields)
    if (!exchange.ok) return exchange
    const routingKey = nameOf('routingKey', config.routingKey, item, config.unknownFields)
    if (!routingKey.ok) return routingKey
    const written = bodyOf(config, item)
    if (!written.ok) return written
    const rules = Object.fromEntries(
      Object.entries(config.headers).map(([name, template]) => [name, { template }]),
    )
    const read = readValues(rules, item, config.unknownFields)
    if (!read.ok) return { ok: false, message: `the header ${read.message}` }
    const headers = Object.fromEntries(
      Object.keys(rules).map((name, at) => [name, textOf(read.values[at] ?? null)]),
    )
    const options: Options.Publish = {
      messageId: facts.deliveryId,
      timestamp: Math.floor(facts.sentAt.getTime() / 1_000),
      appId: 'sluice',
      contentType: written.contentType,
      persistent: config.persistent,
      mandatory: true,
      // The second is that of the plugin rabbitmq-message-deduplication.
      headers: {
        ...headers,
        'sluice-attempt': facts.attempt,
        ...(facts.isTest && { 'sluice-test': true }),
        'x-deduplication-header': facts.deliveryId,
      },
    }
    const parcel = {
      exchange: exchange.text,
      routingKey: routingKey.text,
      content: Buffer.from(written.body),
      options,
    }
    const shown: [string, string][] = [
      ['exchange', exchange.text],
      ['routing key', routingKey.text],
      ['message-id', facts.deliveryId],
      ['content-type', written.contentType],
      ...Object.entries(headers),
    ]
    return { ok: true, parcel, shown: { url: urlOf(config, exchange.text), headers: shown } }
  },
  async open(config, way) {
    const { connect } = await loadClient('amqplib', () => import('amqplib'))
    // The client makes its connection itself, and so it is given the checked address.
    const address = await way.resolve(config)
    const { auth, vhost, port, tls, host } = config
    const url = {
      protocol: tls ? 'amqps' : 'amqp',
      hostname: address,
      port,
      vhost: encodeURIComponent(vhost),
      username: auth.username,
      password: auth.password ?? '',
      heartbeat: 20,
    }
    const { host: _name, ...secure } = tlsOptions(config)
    // Without a server name the certificate is checked against the address that is connected to.
    const options = tls ? { ...secure, ...(isIP(host) === 0 && { servername: host }) } : {}
    const model = await connect(url, { ...options, timeout: way.timeoutMs, noDelay: true })
    return openChannel(model)
  },
  async deliver({ channel }, { exchange, routingKey, content, options }) {
    await published(channel, exchange, routingKey, content, options)
    return 'confirmed by the broker'
  },
  judge,
}

async function openChannel(model: ChannelModel): Promise<RabbitLink> {
  const socket = (model.connection as unknown as { stream: Socket }).stream
  let isHere = true
  const gone = () => {
    isHere = false
  }
  const cut = () => {
    isHere = false
    socket.destroy()
  }
  model.on('error', gone)
  model.on('close', gone)
  try {
    const channel = await model.createConfirmChannel()
    channel.on('error', gone)
    channel.on('close', gone)
    return { channel, isAlive: () => isHere && isOpen(socket), cut }
  } catch (error) {
    cut()
    throw error
  }
}

/** A message without a queue comes back before it is confirmed; a wrong exchange ends the channel. */
async function published(
  channel: ConfirmChannel,
  exchange: string,
  routingKey: string,
  content: Buffer,
  options: Options.Publish,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let isReturned = false
  const onReturn = () => {
    isReturned = true
  }
  // What the channel ended with says more than that it ended.
  const onClose = () => setImmediate(() => reject(new Error('the channel was closed')))
  channel.on('return', onReturn)
  channel.on('error', reject)
  channel.on('close', onClose)
  try {
    channel.publish(exchange, routingKey, content, options, (error: unknown) => {
      if (!error) resolve()
      else if (/nack/i.test(String(error)))
        reject(new Failed('retry', 'busy', 'the broker did not take the message (nack)'))
      else onClose()
    })
    await promise
  } finally {
    channel.off('return', onReturn)
    channel.off('error', reject)
    channel.off('close', onClose)
  }
  if (!isReturned) return
  const advice = 'bind a queue that takes this routing key, or check exchange and routingKey'
  throw new Failed('dead', 'unroutable', `no queue takes the message; ${advice}`)
}

type Filled = { ok: true; text: string } | { ok: false; message: string }

function nameOf(name: string, template: string, item: Json, unknownFields: 'error' | 'empty'): Filled {
  const filled = fillText(template, item, unknownFields)
  if (!filled.ok) return { ok: false, message: `${name} cannot be filled in: ${filled.message}` }
  if (Buffer.byteLength(filled.text) <= NAME_BYTES_MAX) return filled
  return { ok: false, message: `${name} is longer than ${NAME_BYTES_MAX} bytes` }
}

function bodyOf(config: Config, item: Json): WrittenBody {
  const { body, unknownFields } = config
  if (!body) return writeBody(item, config)
  const language = body.language ?? languageOf(body.contentType)
  const compiled = compileBodyTemplate(body.template, language, { unknownFields })
  const rendered = compiled.ok ? renderBody(compiled.template, item) : compiled
  if (!rendered.ok) return { ok: false, message: `the body cannot be filled in: ${rendered.message}` }
  return { ok: true, body: rendered.text, contentType: body.contentType }
}

function urlOf({ host, port, vhost }: Config, exchange: string): string {
  return `amqp://${host}:${port}/${encodeURIComponent(vhost)}/${exchange}`
}

const DEAD: Record<
  string,
  { reason: 'unauthorized' | 'not_found' | 'bad_payload' | 'payload_too_large'; advice: string }
> = {
  '311': { reason: 'payload_too_large', advice: 'send less' },
  '403': { reason: 'unauthorized', advice: 'check the auth of the destination, and its rights' },
  '404': { reason: 'not_found', advice: 'check the exchange of the destination' },
  '406': { reason: 'bad_payload', advice: 'the broker does not take such a message' },
  '530': { reason: 'not_found', advice: 'check the vhost of the destination, and the rights to it' },
}

/** Source: AMQP 0-9-1 specification, section 1.2 (reply codes). */
function judge(error: unknown): Verdict | undefined {
  const message = error instanceof Error ? error.message : String(error)
  // The client hides why. It may be of the moment: a limit of connections, a vhost that is still coming up.
  if (message.startsWith('Expected ConnectionOpenOk')) {
    const advice = 'check the vhost of the destination, and the rights to it'
    return { verdict: 'retry', reason: 'refused', message: `the broker does not open the vhost; ${advice}` }
  }
  const code = /\b([2-5]\d\d)\b \(?[A-Z_-]{5,}/.exec(message)?.[1]
  if (code === undefined) return undefined
  const known = DEAD[code]
  if (known) return { verdict: 'dead', reason: known.reason, message: `${message}; ${known.advice}` }
  return { verdict: 'retry', reason: 'server_error', message }
}
