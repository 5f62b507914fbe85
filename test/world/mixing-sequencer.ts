import { existsSync } from 'node:fs'
import path from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The files that take longest, in an order in which those that mostly wait (for deadlines, and for servers to come
 * back) run beside those that compute: among themselves they would leave the processors idle.
 */
const LONG = [
  'queue/bullmq',
  'rewrite/sandbox-corpus',
  'road/without-redis',
  'chaos/round',
  'vectors/program',
  'simulator/send-command',
  'edge/journal',
  'road/flooded-edge',
  'secrets/secrets',
  'cli/without-postgres',
  'platform/embedded-postgres-faults',
  'road/processes',
  'admin/replays',
  'cli/newcomer',
  'fuzz/search',
  'run/retry',
  'platform/embedded-postgres-users',
  'cli/launcher',
  'road/turns',
  'cli/refused-starts',
  'sources/bit-flips',
  'admin/erasures',
  'rewrite/sandbox-processes',
  'road/dedupe-race',
  'admin/deliveries',
  'road/killed-turns',
  'road/secret-rotation',
  'fuzz/growth',
  'road/rolling-restart',
  'road/samples',
  'queue/contract',
  'admin/access',
  'edge/keeper',
  'admin/keys',
]

/** Begins with the long files, each of which has to be there; the others come as Vitest would have them. */
export class MixingSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const paths = LONG.map((name) => path.join(import.meta.dirname, '..', `${name}.test.ts`))
    for (const one of paths)
      if (!existsSync(one)) throw new Error(`there is no ${one}, which is to begin early`)
    const long = paths.flatMap((one) => files.filter(({ moduleId }) => moduleId === one))
    const others = files.filter((file) => !long.includes(file))
    return [...long, ...(await super.sort(others))]
  }
}
