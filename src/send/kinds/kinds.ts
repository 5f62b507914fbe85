import type { Tokens } from '../../http-request/http-request.ts'
import type { ConfigOf, Destination } from '../../integrations/integrations.ts'
import type { Outbound } from '../../outbound/outbound.ts'
import type { Json } from '../../payload/exact-json.ts'
import type { BatchItem } from '../batch-body.ts'
import { type DeliveryFacts, type Pushed, push } from '../push.ts'
import { type BatchDestination, type PushedBatch, pushBatch } from '../push-batch.ts'
import { fileKind } from './file.ts'
import type { OwnServers } from './kind.ts'
import { mysqlKind } from './mysql.ts'
import { postgresKind } from './postgres.ts'
import { rabbitmqKind } from './rabbitmq.ts'
import { redisKind } from './redis.ts'
import { createSender } from './sender.ts'
import { smtpKind } from './smtp.ts'

export interface SendersOptions {
  outbound: Outbound
  /** One for the process: what is kept is kept here. */
  tokens: Tokens
  own: OwnServers
  /** The only folder below which files are written; empty for none. */
  filesDir: string
}

/** The senders of every kind, with the connections that they keep. */
export interface Senders {
  /** Brings an item to its destination once, all of it within the destination's time-out. */
  send(
    destination: Pick<Destination, 'id' | 'config'>,
    item: Json,
    facts: DeliveryFacts,
    options: { signal: AbortSignal },
  ): Promise<Pushed>
  /** Brings several items to a destination that takes them together. */
  sendBatch(
    destination: BatchDestination,
    items: readonly BatchItem[],
    facts: Omit<DeliveryFacts, 'deliveryId' | 'original'>,
    options: { signal: AbortSignal },
  ): Promise<PushedBatch>
  close(): void
}

export function createSenders({ outbound, tokens, own, filesDir }: SendersOptions): Senders {
  const tools = { outbound, own }
  const senders = {
    postgres: createSender(postgresKind, tools),
    mysql: createSender(mysqlKind, tools),
    redis: createSender(redisKind, tools),
    rabbitmq: createSender(rabbitmqKind, tools),
    smtp: createSender(smtpKind, tools),
    file: createSender(fileKind(filesDir), tools),
  }
  return {
    send({ id, config }, item, facts, options) {
      switch (config.kind) {
        case 'http': {
          const http: ConfigOf<'http'> = config
          const how = { outbound, tokens, ...options }
          if (!http.batch) return push({ id, config: http }, item, facts, how)
          const destination = { id, config: { ...http, batch: http.batch } }
          return pushBatch(destination, [{ deliveryId: facts.deliveryId, item }], facts, how)
        }
        case 'postgres':
          return senders.postgres.send({ id, config }, item, facts, options.signal)
        case 'mysql':
          return senders.mysql.send({ id, config }, item, facts, options.signal)
        case 'redis':
          return senders.redis.send({ id, config }, item, facts, options.signal)
        case 'rabbitmq':
          return senders.rabbitmq.send({ id, config }, item, facts, options.signal)
        case 'smtp':
          return senders.smtp.send({ id, config }, item, facts, options.signal)
        case 'file':
          return senders.file.send({ id, config }, item, facts, options.signal)
      }
    },
    sendBatch: (destination, items, facts, options) =>
      pushBatch(destination, items, facts, { outbound, tokens, ...options }),
    close() {
      for (const sender of Object.values(senders)) sender.close()
    },
  }
}
