import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './root.mjs'
import { SetupError } from './setup-error.mjs'

const NODE_MAJOR = 26
const WINDOWS = process.platform === 'win32'

/**
 * npm puts node_modules/.bin first on the PATH of every script, so the `node` of the script that follows is
 * the one that the lockfile brings. This looks at what was installed instead of starting it: 40 ms less on
 * each command.
 */
export function ensureNode() {
  const installed = installedNode()
  if (installed !== undefined) return link(installed)
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return
  throw new SetupError(
    `there is no package of Node ${NODE_MAJOR} for ${process.platform}-${process.arch} in node_modules, ` +
      `and this machine's own Node is ${process.versions.node}. ` +
      `Install Node ${NODE_MAJOR} yourself, or delete node_modules and try again.`,
  )
}

/** @returns the program's path below node_modules, with forward slashes. */
function installedNode() {
  const root = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  for (const name of Object.keys(root.optionalDependencies)) {
    const manifest = join(ROOT, 'node_modules', name, 'package.json')
    if (!existsSync(manifest)) continue
    const { version, bin } = JSON.parse(readFileSync(manifest, 'utf8'))
    const program = typeof bin === 'object' ? bin.node : WINDOWS ? 'bin/node.exe' : 'bin/node'
    const found =
      version.startsWith(`${NODE_MAJOR}.`) && existsSync(join(ROOT, 'node_modules', name, program))
    if (found) return `${name}/${program}`
  }
  return undefined
}

/** Some versions of npm lose this link, because the packages of all systems claim the same name. */
function link(program) {
  const command = join(ROOT, 'node_modules', '.bin', WINDOWS ? 'node.cmd' : 'node')
  if (existsSync(command)) return
  if (WINDOWS) writeFileSync(command, `@"%~dp0\\..\\${program.replaceAll('/', '\\')}" %*\r\n`)
  else symlinkSync(`../${program}`, command)
}
