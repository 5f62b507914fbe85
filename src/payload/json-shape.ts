export interface JsonShape {
  /** How deep the brackets nest. */
  depth: number
  /** Keys and elements, all of them together. */
  values: number
  /** Keys or elements of the outermost object or list. */
  elements: number
}

/** Counted without recursion and before anything is built; of what is no JSON, any numbers. */
export function jsonShape(text: string): JsonShape {
  const shape = { depth: 0, values: 0, elements: 0 }
  let depth = 0
  let inString = false
  let justOpened = false
  const count = () => {
    shape.values++
    if (depth === 1) shape.elements++
  }
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (inString) {
      if (code === BACKSLASH) at++
      else if (code === QUOTE) inString = false
      continue
    }
    if (code <= BLANK) continue
    const closes = code === 0x5d || code === 0x7d
    if (justOpened && !closes) count()
    justOpened = false
    if (code === QUOTE) inString = true
    else if (code === COMMA) count()
    else if (closes) depth--
    else if (code === 0x5b || code === 0x7b) {
      depth++
      justOpened = true
      if (depth > shape.depth) shape.depth = depth
    }
  }
  return shape
}

const BLANK = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
