import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, inject, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const functions = path.join(root, 'rewrite-functions')

/** What an editor that takes them for the bodies that they are says about functions, `name: message` each. */
function problemsOf(bodies: Record<string, string>): string[] {
  const folder = mkdtempSync(path.join(inject('scratch'), 'editor-'))
  copyFileSync(path.join(functions, 'types.d.ts'), path.join(folder, 'types.d.ts'))
  for (const [name, body] of Object.entries(bodies)) {
    const text = `/// <reference path="./types.d.ts" />\n(async () => {\n${body}\n})()\n`
    writeFileSync(path.join(folder, name), text)
  }
  const compilerOptions = {
    allowJs: true,
    checkJs: true,
    noEmit: true,
    strict: true,
    noImplicitAny: false,
    target: 'es2024',
    lib: ['es2024'],
    types: [],
  }
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*'] }))
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { cwd: folder })
  return String(stdout)
    .split('\n')
    .filter((line) => line.includes('error TS'))
    .map((line) => line.replace(/^.*?([^/]+)\(\d+,\d+\): error TS\d+/, '$1'))
}

test('the types for editors know all that the templates use, and nothing that a function does not find', () => {
  const templates = readdirSync(functions).filter((name) => name.endsWith('.js'))
  expect(templates.length).toBeGreaterThan(3)
  const bodies = templates.map((name) => [name, readFileSync(path.join(functions, name), 'utf8')])
  expect(
    problemsOf({
      ...Object.fromEntries(bodies),
      'fields.js': 'return { jobStatus: 1, data: [job.source.topic, job.request.headers, job.data.data] }',
      'no-field.js': 'return { jobStatus: 1, data: job.request.url }',
      'no-global.js': 'return process.env',
      'no-method.js': "return fetchUrl('https://erp.example/', { method: 'TRACE' })",
    }),
  ).toEqual([
    expect.stringMatching(/^no-field\.js: Property 'url' does not exist/),
    expect.stringMatching(/^no-global\.js: Cannot find name 'process'/),
    expect.stringMatching(/^no-method\.js: Type '"TRACE"' is not assignable/),
  ])
})
