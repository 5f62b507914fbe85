import type { Respond } from '../integrations/integrations.ts'
import type { RunAnswer } from '../ledger/ledger.ts'
import { type BodyTemplate, compileBodyTemplate, languageOf, renderBody } from '../payload/body-template.ts'
import { parseExact } from '../payload/exact-json.ts'
import type { Walk } from './walk.ts'

/** Definitions are immutable and live as long as their version, so each template is compiled once. */
const compiled = new WeakMap<Respond, BodyTemplate>()

/** What a run has to say to a sender that waits for it. */
export function answerOf(respond: Respond, { given, lastNode }: Walk): RunAnswer {
  const node = respond.node ?? lastNode
  const data = node === undefined ? undefined : given.get(node)
  if (data === undefined) return { problem: `the run did not come to the node "${node ?? ''}"` }
  const rendered = renderBody(templateOf(respond), parseExact(data))
  return rendered.ok ? { body: rendered.text } : { problem: rendered.message }
}

function templateOf(respond: Respond): BodyTemplate {
  const known = compiled.get(respond)
  if (known) return known
  const { body, contentType, language, unknownFields } = respond
  const read = compileBodyTemplate(body, language ?? languageOf(contentType), { unknownFields })
  // The definition's schema compiles it, so one that does not compile here is a defect.
  if (!read.ok) throw new Error(`a stored definition has a template that cannot be read: ${read.message}`)
  compiled.set(respond, read.template)
  return read.template
}
