import type { ChannelConfig } from '../channel-config.ts'
import type { Notice, Told, WayTools } from '../notice.ts'
import { tellEmail } from './email.ts'
import { tellSlack } from './slack.ts'
import { tellWebhook } from './webhook.ts'

/** Tells a notice the way the channel is configured. */
export function tell(config: ChannelConfig, notice: Notice, tools: WayTools): Promise<Told> {
  switch (config.kind) {
    case 'email':
      return tellEmail(config, notice, tools)
    case 'webhook':
      return tellWebhook(config, notice, tools)
    case 'slack':
      return tellSlack(config, notice, tools)
  }
}
