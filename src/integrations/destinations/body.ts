import { compileBodyTemplate, languageOf } from '../../payload/body-template.ts'
import type { PlacedProblem } from '../destination-auth.ts'
import { type BodyTemplateConfig, httpRequestFields } from '../http-request-config.ts'

const { format, xmlRoot, body } = httpRequestFields

/** How an item is written where it is sent as one text. */
export const bodyFields = { format, xmlRoot, body }

export function bodyTemplateProblems(given: BodyTemplateConfig | undefined): PlacedProblem[] {
  if (!given) return []
  const compiled = compileBodyTemplate(given.template, given.language ?? languageOf(given.contentType))
  return compiled.ok ? [] : [{ path: ['body', 'template'], message: compiled.message }]
}
