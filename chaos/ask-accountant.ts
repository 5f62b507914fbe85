import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Accounts } from './accounts/accounts.ts'

const ACCOUNTANT = fileURLToPath(new URL('accountant.ts', import.meta.url))

/** The accountant's words come through; its figures come back. */
export function askAccountant(
  records: string,
  databaseUrl: string,
  indices: number[],
  say: (line: string) => void,
): Promise<Accounts[]> {
  const child = fork(ACCOUNTANT, [records, ...indices.map(String)], {
    env: { ...process.env, DATABASE_URL: databaseUrl },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  child.stdout?.on('data', (chunk: Buffer) => say(`the accountant: ${chunk.toString().trim()}`))
  return new Promise((resolve, reject) => {
    child.once('message', (accounts) => resolve(accounts as Accounts[]))
    child.once('exit', (code) => reject(new Error(`the accountant ended with code ${code}`)))
  })
}
