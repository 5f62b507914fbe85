import { z } from 'zod'
import { parsePath } from '../payload/path.ts'

/** A path into a payload, as it stands in a definition; the empty one is all of it. */
export const pathSchema = z
  .string()
  .max(1_000)
  .superRefine((text, context) => {
    try {
      parsePath(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
    }
  })
