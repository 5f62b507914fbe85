import type { ConfigOf } from '../channel-config.ts'
import type { Way } from '../notice.ts'
import { cut } from '../spoken.ts'
import { postJson } from './post-json.ts'

/** Slack cuts longer ones; others refuse them. */
const TEXT_CHARS_MAX = 3_000

/**
 * An incoming webhook as Slack has them, and Mattermost, Rocket.Chat and others after it.
 *
 * Source: docs.slack.dev, "Sending messages using incoming webhooks" and "Formatting message text".
 */
export const tellSlack: Way<ConfigOf<'slack'>> = async ({ url }, { subject, text }, tools) => {
  const whole = text.startsWith(subject) ? text : `${subject}\n${text}`
  return postJson(url, [], JSON.stringify({ text: escaped(cut(whole, TEXT_CHARS_MAX)) }), tools)
}

/** Without it a name or a reason could call everybody in the channel, or show one address and lead to another. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
