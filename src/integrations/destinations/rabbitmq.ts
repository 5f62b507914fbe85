import { z } from 'zod'
import { NO_CONTROL } from '../destination-secret.ts'
import { bodyFields, bodyTemplateProblems } from './body.ts'
import {
  checkedTemplate,
  everyKind,
  kindSchema,
  templateProblem,
  templateText,
  unknownFields,
} from './every-kind.ts'
import { loginSchema, serverFields, serverProblems } from './server.ts'

/** Messages to an exchange of RabbitMQ. */
export const rabbitmqSchema = kindSchema({
  kind: z.literal('rabbitmq'),
  ...serverFields(5671),
  vhost: z.string().min(1).max(255).regex(NO_CONTROL, 'contains a control character').default('/'),
  auth: loginSchema,
  exchange: checkedTemplate
    .default('')
    .describe(
      'a template; the default exchange, which takes the name of a queue as routing key, unless given',
    ),
  routingKey: checkedTemplate.default('').describe('a template'),
  headers: z.record(z.string().min(1).max(100), templateText).default({}).describe('values are templates'),
  persistent: z.boolean().default(true).describe('whether the broker writes the message to its disk'),
  ...bodyFields,
  unknownFields,
  ...everyKind,
}).superRefine((config, context) => {
  const add = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
  for (const { path, message } of [...serverProblems(config), ...bodyTemplateProblems(config.body)])
    add(path, message)
  if (Object.keys(config.headers).length > 50) add(['headers'], 'more than 50 headers')
  for (const [name, template] of Object.entries(config.headers)) {
    const message = /^(?:sluice-attempt|x-deduplication-header|cc|bcc)$/i.test(name)
      ? 'cannot be chosen'
      : templateProblem(template)
    if (message) add(['headers', name], message)
  }
  if (config.exchange === '' && config.routingKey === '')
    add(['routingKey'], 'the default exchange needs the name of a queue')
})

export type RabbitmqConfig = z.infer<typeof rabbitmqSchema>
