/**
 * The proof: a process of its own that holds what was recorded outside of Sluice against the ledger.
 *
 *     DATABASE_URL=… accountant.ts FOLDER [PHASE …]
 *
 * FOLDER holds the files of record.ts. Tells what it found on stderr, ends with `acked N, lost N, duplicated N`, and
 * with 1 where anything was lost or is not as it has to be.
 */
import { connectPostgres } from '../src/platform/postgres.ts'
import { type Accounts, accountFor, lastLine, totalOf } from './accounts/accounts.ts'
import { readKept } from './accounts/kept.ts'
import { readRecords } from './record.ts'

const [folder = '', ...indices] = process.argv.slice(2)
const records = await readRecords(folder)
const sql = connectPostgres(process.env.DATABASE_URL ?? '', {
  connectionsMax: 1,
  applicationName: 'chaos accountant',
})
const phases = records.round.phases.filter(
  ({ index }) => indices.length === 0 || indices.includes(String(index)),
)
const accounts: Accounts[] = []
for (const phase of phases) {
  const kept = await readKept(sql, records.round.seed, phase)
  accounts.push(accountFor(phase, records, kept))
}
await sql.end()

for (const { findings } of accounts) for (const { sentence } of findings) console.error(sentence)
const total = totalOf(accounts)
console.log(lastLine(total))
process.send?.(accounts)
process.exitCode = total.lost > 0 || total.wrong > 0 ? 1 : 0
