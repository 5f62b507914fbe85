/** A text of somebody else on one line of a terminal, which it neither breaks nor commands. */
export function terminalText(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/\p{C}/gu, '\uFFFD')
}
