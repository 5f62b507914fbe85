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
import { readVectorFile } from './read-file.ts'

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
  // Most of the program: a file that cannot be read is told without it.
  const { playAll } = await import('./play-all.ts')
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
