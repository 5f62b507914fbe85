/**
 * Shows that nothing acknowledged is lost, whatever fails meanwhile; README.md beside this file says how.
 *
 *     npm run chaos -- [--seconds S] [--seed N] [--faults a,b] [--rate R]
 */
import { writeFile } from 'node:fs/promises'
import { conductRound } from './conductor.ts'
import { type RoundOptions, readOptions } from './options.ts'
import { endOf, reportOf, tableOf } from './report.ts'

const REPORT = new URL('REPORT.md', import.meta.url)
const EXIT = { fine: 0, impossible: 2, interrupted: 130 }

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  const read = readOptions(args)
  if ('help' in read) {
    console.log(read.help)
    return EXIT.fine
  }
  if ('problem' in read) {
    console.error(`chaos: ${read.problem} (--help shows what there is)`)
    return EXIT.impossible
  }
  return conductUntilStopped(read.options)
}

async function conductUntilStopped(options: RoundOptions): Promise<number> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
  try {
    const result = await conductRound({ ...options, say, signal: stop.signal })
    await writeFile(REPORT, reportOf(options, result))
    console.log(`\n${tableOf(result)}\n`)
    for (const sentence of [...result.failures, ...result.notes]) console.log(sentence)
    if (result.keptIn) console.log(`The records and the logs of the gateways are in ${result.keptIn}.`)
    const { line, code } = endOf(result)
    console.log(line)
    return code
  } catch (error) {
    if (stop.signal.aborted) {
      console.error('chaos: stopped; what was started is ended and removed')
      return EXIT.interrupted
    }
    console.error(`chaos: the round could not be made: ${describe(error)}`)
    return EXIT.impossible
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`
}

function say(line: string): void {
  const seconds = (performance.now() / 1_000).toFixed(1)
  console.error(`${seconds.padStart(7)} s  ${line}`)
}
