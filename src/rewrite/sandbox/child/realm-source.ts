import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { basename } from 'node:path'

/** The realm's files, each after those that it imports. */
const FILES = [
  '../../../payload/exact-json.ts',
  '../../../payload/path.ts',
  '../realm/primordials.ts',
  '../realm/describe-error.ts',
  '../realm/queue-manager.ts',
  '../realm/print.ts',
  '../realm/log.ts',
  '../realm/read-json.ts',
  '../realm/write-json.ts',
  '../realm/json-global.ts',
  '../realm/globals.ts',
  '../realm/fetch-url.ts',
  '../realm/outcome.ts',
  '../realm/run-function.ts',
  '../realm/run-expressions.ts',
  '../realm/entry.ts',
]

/**
 * The realm as one script, whose value is the opened realm. An isolate has neither a module loader nor types, so
 * each file becomes a function that gives its exports. `JSON` is bound to the original functions, as the script
 * replaces them for others.
 */
export function realmSource(): string {
  const modules = FILES.map((file) => {
    const url = new URL(file, import.meta.url)
    return `modules[${nameOf(file)}] = (() => {\n${asFunctionBody(url)}\n})()`
  })
  return [
    '(function (JSON) {',
    '"use strict"',
    'const modules = { __proto__: null }',
    ...modules,
    `return modules[${nameOf('entry.ts')}].openRealm()`,
    '})({ parse: JSON.parse, stringify: JSON.stringify, rawJSON: JSON.rawJSON, isRawJSON: JSON.isRawJSON })',
  ].join('\n')
}

const IMPORT = /^import\s*\{([^}]*)\}\s*from\s*'([^']+)'$/gm
const EXPORT = /^export ((?:async )?function|const|class) (\w+)/gm

function asFunctionBody(url: URL): string {
  const source = stripTypeScriptTypes(readFileSync(url, 'utf8'))
  const exported = [...source.matchAll(EXPORT)].map((match) => match[2])
  const body = source
    .replace(IMPORT, (_all, names: string, from: string) => {
      return `const {${names.replace(/\bas\b/g, ':')}} = modules[${nameOf(from)}]`
    })
    .replace(EXPORT, '$1 $2')
  return `${body}\nreturn { ${exported.join(', ')} }`
}

/** File names are told apart by their last part, so that no path of this machine stands in the script. */
function nameOf(path: string): string {
  return JSON.stringify(basename(path))
}
