import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const ROOT = path.join(import.meta.dirname, '../..')
const FOLDERS = ['test/bodies', 'src/simulator/bodies']

/** The bodies that tests and simulator use, of one kind: `json`, `xml` or `form`. */
export function sampleBodies(ending: string): Buffer[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(path.join(ROOT, folder))
      .filter((file) => file.endsWith(`.${ending}`))
      .toSorted()
      .map((file) => readFileSync(path.join(ROOT, folder, file))),
  )
}
