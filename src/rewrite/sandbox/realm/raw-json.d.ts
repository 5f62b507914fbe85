/** The second half of the "JSON.parse source text access" proposal. */
interface JSON {
  isRawJSON(value: unknown): boolean
}
