import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { basename } from 'node:path'
import { setImmediate as breath } from 'node:timers/promises'

const IMPORT = /^import\s*\{([^}]*)\}\s*from\s*'([^']+)'$/gm
const EXPORT = /^export ((?:async )?function|const|class) (\w+)/gm

/**
 * Modules as statements of one plain script, for places that have neither a module loader nor types: each file becomes
 * a function that gives its exports, kept in `modules` by its name. Node's own modules are asked of `require`.
 *
 * @param files beside this one, each after those that it imports; all of different names
 */
export async function linkModules(files: readonly string[]): Promise<string> {
  const linked: string[] = ['const modules = { __proto__: null }']
  for (const file of files) {
    const source = await readFile(new URL(file, import.meta.url), 'utf8')
    linked.push(`modules[${nameOf(file)}] = (() => {\n${asFunctionBody(source)}\n})()`)
    // Undoing types takes milliseconds for each file, in which the process answers nobody.
    await breath()
  }
  return linked.join('\n')
}

function asFunctionBody(typed: string): string {
  const source = withoutTypes(typed)
  const exported = [...source.matchAll(EXPORT)].map((match) => match[2])
  const body = source
    .replace(IMPORT, (_all, names: string, from: string) => {
      const module = from.startsWith('node:') ? `require('${from}')` : `modules[${nameOf(from)}]`
      return `const {${names.replace(/\bas\b/g, ':')}} = ${module}`
    })
    .replace(EXPORT, '$1 $2')
  return `${body}\nreturn { ${exported.join(', ')} }`
}

/** Node says once that this is new to it; there is nothing that an operator could do about it. */
function withoutTypes(typed: string): string {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(typed)
  } finally {
    process.emitWarning = emitWarning
  }
}

/** File names are told apart by their last part, so that no path of this machine stands in the script. */
function nameOf(path: string): string {
  return JSON.stringify(basename(path))
}
