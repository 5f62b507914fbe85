import { rootsOf } from './certificates.ts'
import { type Difference, differencesOf } from './compare.ts'
import { findPlace } from './place.ts'
import type { Case, Misshapen, VectorFile } from './read-file.ts'
import { openStage, type Stage } from './stage.ts'

/**
 * Plays every vector, and prints which failed and why, then how many did.
 *
 * @returns what the program ends with
 * @throws Error where no gateway can be had
 */
export async function playAll({ cases, roots }: VectorFile): Promise<number> {
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
