import { z } from 'zod'

const addressSchema = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])
const listSchema = z.array(addressSchema).min(1).max(10_000)

/**
 * The addresses and CIDRs under a key of a JSON document.
 *
 * @throws SyntaxError or ZodError where there is no list of nothing else.
 */
export function addressesUnder(key: string, text: string): string[] {
  return z.object({ [key]: listSchema }).parse(JSON.parse(text))[key] ?? []
}
