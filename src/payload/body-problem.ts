/** Why a body cannot become a payload. Each name has one status: 400, 415 for `unsupported`, 413 for `too_large`. */
export type BodyProblemName =
  | 'empty'
  | 'unreadable'
  | 'unsupported'
  | 'too_deep'
  | 'too_many_keys'
  | 'too_large'

/** A body that was refused. The message says what and where; it never repeats more than a name of the body. */
export interface BodyProblem {
  readonly ok: false
  readonly problem: BodyProblemName
  readonly message: string
}

export function bodyProblem(problem: BodyProblemName, message: string): BodyProblem {
  return { ok: false, problem, message }
}

/** `line 3, column 14`, both from 1, for a position counted in UTF-16 units from 0. */
export function placeIn(text: string, position: number): string {
  let line = 1
  let lineStart = 0
  const lineBreak = /\r\n?|\n/g
  // A break that the position is inside of ends after it.
  while (lineBreak.test(text) && lineBreak.lastIndex <= position) {
    line++
    lineStart = lineBreak.lastIndex
  }
  return `line ${line}, column ${position - lineStart + 1}`
}

/** A stranger's name, short and free of control characters, for use in a message. */
export function shortName(name: string): string {
  const clean = name.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?')
  return clean.length > 40 ? `${clean.slice(0, 40).toWellFormed()}…` : clean.toWellFormed()
}
