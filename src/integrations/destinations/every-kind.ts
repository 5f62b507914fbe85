import { z } from 'zod'
import { parsePath } from '../../payload/path.ts'
import { compileTemplate } from '../../payload/template.ts'
import { releaseFields } from '../destination-release.ts'
import { retrySchema } from '../destination-retry.ts'

/** What every kind has. */
export const everyKind = {
  timeoutMs: z.int().min(100).max(120_000).default(30_000).describe('for one attempt as a whole'),
  retry: retrySchema,
  ...releaseFields,
}

/** The config of a kind that takes each delivery by itself. */
export function kindSchema<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, { error: refusedBatch })
}

function refusedBatch({ code, keys = [] }: { code: string; keys?: string[] }): string | undefined {
  if (code !== 'unrecognized_keys' || !keys.includes('batch')) return undefined
  const others = keys.filter((key) => key !== 'batch').map((key) => JSON.stringify(key))
  const sentence =
    'only destinations of the kind "http" have a batch: every other kind takes each delivery by itself'
  return others.length === 0 ? sentence : `${sentence}; nor is there ${others.join(', ')}`
}

export const unknownFields = z
  .enum(['error', 'empty'])
  .default('error')
  .describe('what a field does that an item does not have, in each template')

export const templateText = z.string().max(8_000)

export function templateProblem(template: string): string | undefined {
  const compiled = compileTemplate(template)
  return compiled.ok ? undefined : compiled.message
}

/** A template that is checked where it stands. */
export const checkedTemplate = templateText.superRefine((text, context) => {
  const message = templateProblem(text)
  if (message) context.addIssue({ code: 'custom', message })
})

export const pathText = z
  .string()
  .max(1_000)
  .superRefine((text, context) => {
    try {
      parsePath(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
    }
  })

/** A value of an item: a path, which keeps its kind, or a template, which gives a text. */
export const valueSchema = z.union([pathText, z.strictObject({ template: checkedTemplate })])

export type ValueRule = z.infer<typeof valueSchema>
