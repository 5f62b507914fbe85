import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

/**
 * Copies the cluster of a home whose server is stopped into another home, as a second start would find it: to make one
 * takes longer than most tests, and is a test of its own.
 */
export async function copyCluster(from: string, home: string): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o711 })
  // With its owner, who is not the one who runs the tests where that is root.
  await promisify(execFile)('cp', ['-pR', path.join(from, 'postgres'), path.join(home, 'postgres')])
}
