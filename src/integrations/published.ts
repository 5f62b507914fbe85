import { ZodError } from 'zod'
import type { Sql, Transaction } from '../platform/postgres.ts'
import { openSnapshot, type Snapshot, type Witness, witnessed } from '../platform/witness.ts'
import { presetOf } from '../sources/sources.ts'
import type { Cidr } from './address.ts'
import { parseAllowlist } from './allowlist.ts'
import { tellOfChange } from './notices.ts'

/** Gets the text at an address that a source publishes; why it cannot be had is a sentence. */
export type FetchText = (
  url: string,
  signal?: AbortSignal,
) => Promise<{ ok: true; text: string } | { ok: false; message: string }>

export type Refreshed = { ok: true; count: number } | { ok: false; message: string }

/**
 * Fetches the addresses that a source publishes, and keeps them in place of those before. A list that cannot be had
 * or is no list of addresses changes nothing.
 */
export async function refreshPublished(
  sql: Sql,
  source: string,
  fetchText: FetchText,
  at: Date,
  witness: Witness | undefined,
): Promise<Refreshed> {
  const { title, publishedAddresses } = presetOf(source)
  if (!publishedAddresses) return { ok: false, message: `${title} publishes no addresses` }
  const fetched = await fetchText(publishedAddresses.url)
  if (!fetched.ok) return fetched
  const read = readPublished(fetched.text, publishedAddresses.read)
  if (!Array.isArray(read)) return { ok: false, message: read.problem }
  await sql.begin((transaction) =>
    witnessed({ transaction, witness, snapshot: () => snapshotOf(transaction, source) }, async () => {
      await transaction`
        INSERT INTO published_addresses (source, entries, fetched_at) VALUES (${source}, ${read}, ${at})
        ON CONFLICT (source) DO UPDATE SET entries = excluded.entries, fetched_at = excluded.fetched_at`
      await tellOfChange(transaction)
      return true
    }),
  )
  return { ok: true, count: read.length }
}

async function snapshotOf(transaction: Transaction, source: string): Promise<Snapshot | undefined> {
  const [row] = await transaction<{ entries: string[] }[]>`
    SELECT entries FROM published_addresses WHERE source = ${source}`
  return row && openSnapshot(source, null, { entries: row.entries.toSorted() })
}

/** A network larger than any vendor has would let strangers in. */
const PREFIX_BITS_MIN = { 4: 8, 6: 16 }

function readPublished(text: string, read: (text: string) => string[]): string[] | { problem: string } {
  let entries: string[]
  try {
    entries = read(text)
  } catch (error) {
    return { problem: `what came back is no list of addresses: ${told(error)}` }
  }
  const reading = parseAllowlist(entries)
  if ('errors' in reading) return { problem: reading.errors.join('; ') }
  const { everyone, domains, networks } = reading.allowlist
  const tooLarge = networks.find(({ family, prefixBits }: Cidr) => prefixBits < PREFIX_BITS_MIN[family])
  if (everyone || domains.length > 0) return { problem: 'the list names more than addresses' }
  if (tooLarge) return { problem: `the list lets in ${tooLarge.text}` }
  return networks.length === 0 ? { problem: 'the list is empty' } : networks.map(({ text }) => text)
}

const PROBLEM_CHARS_MAX = 200

function told(error: unknown): string {
  const [issue] = error instanceof ZodError ? error.issues : []
  const text = issue ? `${issue.path.join('.')}: ${issue.message}` : String((error as Error).message)
  return text.slice(0, PROBLEM_CHARS_MAX)
}
