import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DocExample } from './doc-examples.ts'

/**
 * Examples in doc comments are short: they may use what their own package exports without importing it, and
 * the names of `values`. This is what has to stand before such an example; nothing for an example of a text
 * file.
 */
export async function docCommentPrelude(
  root: string,
  example: DocExample,
  values: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = /^packages\/[^/]+(?=\/src\/)/.exec(example.file)?.[0]
  if (folder === undefined) return ''
  const isFree = (name: string) =>
    new RegExp(`(?<![.\\w'"/])${name}\\b(?!\\s*:)`).test(example.code) &&
    !new RegExp(`(const|let|function|import)[^\\n]*\\b${name}\\b[^\\n]*(=|from|\\()`).test(
      declarations(example.code),
    )
  const constants = Object.entries(values)
    .filter(([name]) => isFree(name))
    .map(([name, value]) => `const ${name} = ${value}`)
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const imports: string[] = []
  for (const entry of Object.keys(manifest.exports ?? {})) {
    const specifier = manifest.name + entry.slice(1)
    const names = Object.keys(await import(specifier)).filter(isFree)
    if (names.length > 0) imports.push(`import { ${names.join(', ')} } from '${specifier}'`)
  }
  return [...new Set(imports), ...constants, ''].join('\n')
}

/** The part of each line that can declare a name: up to the first `=` after it. */
function declarations(code: string): string {
  return code
    .split('\n')
    .filter((line) => /^\s*(export |import |const |let |function |async function )/.test(line))
    .map((line) => (/^\s*(const|let)/.test(line) ? `${line.split('=')[0]}=` : line))
    .join('\n')
}
