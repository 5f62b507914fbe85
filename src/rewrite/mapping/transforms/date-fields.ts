import { DateTime } from 'luxon'

/**
 * Why a format of Luxon can be read in several ways, or undefined when it cannot.
 *
 * Luxon makes a regular expression of it. Two numbers of open length side by side (`dM`) leave open where one ends and
 * the next begins, which gives wrong dates, and with many of them an expression that takes years to find no match.
 */
export function ambiguityOf(format: string, locale = 'en'): string | undefined {
  const { tokens } = DateTime.fromFormatExplain('', format, { locale })
  let open: string | undefined
  let zones = 0
  for (const { literal, val } of tokens) {
    if (literal) {
      if (/\P{Nd}/u.test(val)) open = undefined
      continue
    }
    const kind = kindOf(val, locale)
    if (val === 'z' && ++zones > 1) return 'it names the time zone twice'
    // An offset begins with its sign, whatever stands before it.
    if (kind === 'words' || val.startsWith('Z')) open = undefined
    if (kind !== 'open') continue
    if (open !== undefined)
      return `${open} and ${val} are numbers of open length with nothing between: write yyyy, MM, dd, …, or put something between`
    open = val
  }
  return undefined
}

/** By the expression that Luxon makes of the field. */
function kindOf(field: string, locale: string): 'open' | 'fixed' | 'words' {
  if (/^\p{Nd}+$/u.test(field)) return 'fixed'
  const source = DateTime.fromFormatExplain('', field, { locale }).regex?.source ?? ''
  if (/\{[0-9]+,[0-9]+\}/.test(source)) return 'open'
  return /^\^\((?:\\d|\[[^\]]*\])(?:\{[0-9]+\})?\)\$$/.test(source) ? 'fixed' : 'words'
}
