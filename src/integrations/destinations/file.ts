import { z } from 'zod'
import { checkedTemplate, everyKind, kindSchema, unknownFields } from './every-kind.ts'

const MIB = 1024 * 1024

/** Lines of a file under the folder that the operator chose for this (`FILES_DIR`). */
export const fileSchema = kindSchema({
  kind: z.literal('file'),
  name: checkedTemplate
    .min(1)
    .refine((text) => !/^[/\\]|(?:^|[/\\])\.\.?(?:[/\\]|$)|[\\\u0000-\u001f\u007f]/.test(text), {
      message: 'is a path below the folder: no leading /, no . or .., no \\',
    })
    .describe('a template: a path below FILES_DIR; what fields give is made safe'),
  bytesMax: z
    .int()
    .min(1_024)
    .max(1_024 * MIB)
    .default(64 * MIB)
    .describe('a line that would make the file larger begins a new one'),
  filesMax: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('full files that are kept, the newest; all unless given'),
  unknownFields,
  ...everyKind,
})

export type FileConfig = z.infer<typeof fileSchema>
