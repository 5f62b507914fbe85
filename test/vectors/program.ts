/**
 * Sends every vector of a file to a gateway of its own over HTTP, and tells where the gateway judges otherwise:
 *
 *     npm run vectors -- FILE
 *
 * Needs nothing to be prepared; TEST_DATABASE_URL may name a PostgreSQL to use. Ends with `N passed, N failed`, and
 * with 1 where any failed, 2 where nothing could be tried.
 */
import { readFile } from 'node:fs/promises'
import { enableCompileCache } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { rootsOf } from './certificates.ts'
import { type Difference, differencesOf } from './compare.ts'
import { type Case, type Misshapen, readVectorFile, type VectorFile } from './read-file.ts'
import type { Stage } from './stage.ts'

enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/sluice', import.meta.url)))
process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  const [given, ...more] = args
  if (given === undefined || more.length > 0) return refuse('usage: npm run vectors -- FILE')
  const file = path.resolve(folderOfUser(), given)
  const text = await readFile(file, 'utf8').catch((error: Error) => error)
  if (text instanceof Error) return refuse(`${given} cannot be read: ${text.message}`)
  const read = readVectorFile(text)
  if ('problem' in read) return refuse(`${given} is no file of vectors: ${read.problem}`)
  try {
    return await playAll(read)
  } catch (error) {
    return refuse(`the gateway cannot be used: ${(error as Error).message}`)
  }
}

/** npm runs programs in the folder of the package, wherever it was called. */
function folderOfUser(): string {
  const isFromNpm = process.env.npm_lifecycle_event === 'vectors'
  return (isFromNpm ? process.env.INIT_CWD : undefined) ?? process.cwd()
}

function refuse(sentence: string): number {
  console.error(sentence)
  return 2
}

async function playAll({ cases, roots }: VectorFile): Promise<number> {
  // Most of the program: a file that cannot be read is told without it.
  const [{ findPlace }, { openStage }] = await Promise.all([import('./place.ts'), import('./stage.ts')])
  const vectors = cases.flatMap((one) => ('problem' in one ? [] : [one.vector]))
  const place = await findPlace()
  try {
    const stage = await openStage({ place, rootCertificates: rootsOf(vectors, roots) })
    try {
      let failed = 0
      for (const one of cases) if (!(await passes(one, stage))) failed += 1
      console.log(`${cases.length - failed} passed, ${failed} failed`)
      return failed === 0 ? 0 : 1
    } finally {
      await stage.close()
    }
  } finally {
    await place.leave()
  }
}

async function passes(one: Case | Misshapen, stage: Stage): Promise<boolean> {
  if ('problem' in one) return fails(one.name, [], one.problem)
  try {
    const played = await stage.play(one)
    if ('problem' in played) {
      const isRefused = played.isEmptySecret === true && !one.vector.valid
      return isRefused || fails(one.name, [], played.problem)
    }
    const differences = differencesOf(one.vector, played)
    return differences.length === 0 || fails(one.name, differences, played.note)
  } catch (error) {
    return fails(one.name, [], (error as Error).message)
  }
}

function fails(name: string, differences: Difference[], note: string): false {
  console.log(`FAILED ${name}`)
  for (const { expected, got } of differences) {
    console.log(`  expected: ${expected}`)
    console.log(`  got:      ${got}`)
  }
  console.log(
    `  ${differences.length === 0 ? 'reason:  ' : 'operator:'} ${note.replaceAll('\n', '\n            ')}`,
  )
  return false
}
