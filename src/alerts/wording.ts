import type { Integrations } from '../integrations/integrations.ts'
import type { Incident } from './incidents.ts'
import type { MessageKind } from './messages.ts'
import type { Notice } from './notice.ts'
import { cut, onOneLine, quoted, spokenSpan } from './spoken.ts'

/** The names that people know things by. */
export type Names = Pick<Integrations, 'application' | 'integration' | 'destination'>

const SUBJECT_CHARS_MAX = 150

/** What is told of an incident: once when it begins, once when it is over. */
export function incidentNotice(
  message: { id: string; kind: MessageKind; createdAt: Date },
  incident: Incident,
  names: Names,
): Notice {
  const over = message.kind === 'recovered'
  const { condition, sentence, openedAt, recoveredAt } = incident
  const headline = over ? `Over: ${sentence}` : capital(sentence)
  const ended = recoveredAt ?? message.createdAt
  const lines = [
    `${headline}.`,
    '',
    ...placesOf(incident, names),
    `Condition: ${condition}`,
    `Since: ${openedAt.toISOString()}`,
    ...(over
      ? [`Over since: ${ended.toISOString()}, after ${spokenSpan(ended.getTime() - openedAt.getTime())}`]
      : []),
    `Incident: ${incident.id}`,
  ]
  return {
    id: message.id,
    type: over ? 'incident.recovered' : 'incident.opened',
    at: message.createdAt,
    subject: cut(`[Sluice] ${headline}`, SUBJECT_CHARS_MAX),
    text: `${lines.join('\n')}\n`,
    data: { incident: { ...incident, lastSeenAt: undefined, recoveredAt: over ? recoveredAt : null } },
  }
}

/** Says that a channel works. */
export function testNotice(id: string, channelName: string, at: Date): Notice {
  const subject = `[Sluice] Test of the alert channel ${quoted(channelName)}`
  return {
    id,
    type: 'test',
    at,
    subject: cut(subject, SUBJECT_CHARS_MAX),
    text: `Alerts of Sluice arrive here. This one is only a test of the channel ${quoted(channelName)}.\n`,
    data: { test: true },
  }
}

interface Place {
  applicationId: string | null
  integrationId: string | null
  destinationId: string | null
}

export function placesOf({ applicationId, integrationId, destinationId }: Place, names: Names): string[] {
  const line = (label: string, id: string | null, name: string | undefined) =>
    id === null ? [] : [`${label}: ${name === undefined ? id : `${onOneLine(name)} (${id})`}`]
  return [
    ...line(
      'Application',
      applicationId,
      applicationId === null ? undefined : names.application(applicationId)?.name,
    ),
    ...line(
      'Integration',
      integrationId,
      integrationId === null ? undefined : names.integration(integrationId)?.name,
    ),
    ...line(
      'Destination',
      destinationId,
      destinationId === null ? undefined : names.destination(destinationId)?.name,
    ),
  ]
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}
