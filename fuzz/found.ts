import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Pump, readPump, writePump } from './growth.ts'

const FOLDER = path.join(import.meta.dirname, 'found')

/** Inputs that once broke a promise of this target, by the names of their files. */
export function foundInputs(target: string): [name: string, input: Buffer][] {
  return filesOf(target, '.input')
}

/** What once took more time the longer it became. */
export function foundPumps(target: string): [name: string, pump: Pump][] {
  return filesOf(target, '.pump').map(([name, file]) => [name, readPump(file)])
}

/** Gives the file, whose name says nothing but which input it is; a better one is welcome. */
export function saveInput(target: string, input: Buffer): string {
  return save(target, '.input', input)
}

export function savePump(target: string, pump: Pump): string {
  return save(target, '.pump', writePump(pump))
}

function filesOf(target: string, ending: string): [name: string, file: Buffer][] {
  const folder = path.join(FOLDER, target)
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(ending))
      .toSorted()
      .map((name) => [name, readFileSync(path.join(folder, name))])
  } catch {
    return []
  }
}

function save(target: string, ending: string, file: Buffer): string {
  const folder = path.join(FOLDER, target)
  mkdirSync(folder, { recursive: true })
  const name = `${createHash('sha256').update(file).digest('hex').slice(0, 12)}${ending}`
  writeFileSync(path.join(folder, name), file)
  return path.relative(process.cwd(), path.join(folder, name))
}
