/** The "JSON.parse source text access" proposal, in V8 since 11.4 and not yet in TypeScript's library. */
interface JSON {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown
  rawJSON(text: string): unknown
}
