import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const LOG = fileURLToPath(new URL('../../src/platform/log.ts', import.meta.url))

/** Runs a program to which `createLog` is known, its standard output going into a file where one is named. */
async function run(program: string, outputFile?: string) {
  const output = outputFile === undefined ? 'pipe' : openSync(outputFile, 'w')
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', `import { createLog } from ${JSON.stringify(LOG)}\n${program}`],
    { stdio: ['ignore', output, 'pipe'], timeout: 10_000 },
  )
  if (typeof output === 'number') closeSync(output)
  const said = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => (said.stdout += chunk))
  child.stderr?.on('data', (chunk) => (said.stderr += chunk))
  const [code, signal] = await once(child, 'close')
  return { ...said, code, signal }
}

test('however many logs a process has, all are written when it ends, and nothing warns of a leak', async () => {
  const { stdout, stderr } = await run(
    `for (let number = 0; number < 15; number += 1) createLog('info').info({ number }, 'last words')`,
  )
  const numbers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).number)
  expect(numbers.toSorted((left, right) => left - right)).toEqual(Array.from({ length: 15 }, (_, at) => at))
  expect(stderr).toBe('')
})

test('what was said before an exception and before an exit is written', async () => {
  for (const end of [`throw new Error('defect')`, 'process.exit(3)']) {
    const { stdout, code } = await run(`createLog('info').info('last words'); ${end}`)
    expect(stdout).toContain('"msg":"last words"')
    expect(code).not.toBe(0)
  }
})

test('a full disk under the log neither stops nor holds up the program', async () => {
  const program = `
    const log = createLog('info')
    log.info('one')
    setTimeout(() => {
      log.fatal('two')
      process.stderr.write('goes on')
    }, 300)`
  expect(await run(program, '/dev/full')).toMatchObject({ stderr: 'goes on', code: 0, signal: null })
})
