import type { SimulatedRequest } from '../simulator/simulator.ts'

/** A request as a command for a POSIX shell that sends the very same. */
export function asCurl({ method, url, headers, body }: SimulatedRequest): string {
  const text = textOf(body)
  const parts = [
    ...(text === undefined ? [`printf %s ${quoted(body.toString('base64'))} | base64 -d |`] : []),
    // Brackets and braces in an address are meant as they stand.
    `curl --include --globoff --request ${method} ${quoted(url)}`,
    ...Object.entries(headers).map(([name, value]) => `--header ${quoted(headerLine(name, value))}`),
    ...(body.length === 0 && method === 'GET'
      ? []
      : [`--data-binary ${text === undefined ? '@-' : quoted(text)}`]),
  ]
  return parts.join(' \\\n  ')
}

/** The body as an argument can hold it; undefined where it cannot: no zero bytes, nothing but UTF-8, no file name. */
function textOf(body: Buffer): string | undefined {
  const text = body.toString('utf8')
  return Buffer.from(text).equals(body) && !text.includes('\0') && !text.startsWith('@') ? text : undefined
}

/** curl takes `Name:` for leaving the header out, and `Name;` for an empty one. */
function headerLine(name: string, value: string): string {
  return value === '' ? `${name};` : `${name}: ${value}`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
