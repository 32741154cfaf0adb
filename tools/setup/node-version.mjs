import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './root.mjs'
import { SetupError } from './setup-error.mjs'

const NODE_MAJOR = 26

/**
 * npm puts node_modules/.bin first on the PATH of every script, so the `node` of the script that follows is the one
 * that the lockfile brings. This looks at what was installed instead of starting it: 40 ms less on each command.
 */
export function ensureNode() {
  const command = join(ROOT, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
  const version = existsSync(command) ? installedVersion() : undefined
  if (version?.split('.')[0] === String(NODE_MAJOR)) return
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return
  throw new SetupError(
    `there is no package of Node ${NODE_MAJOR} for ${process.platform}-${process.arch} in node_modules, ` +
      `and this machine's own Node is ${process.versions.node}. ` +
      `Install Node ${NODE_MAJOR} yourself, or delete node_modules and try again.`,
  )
}

function installedVersion() {
  const root = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  for (const name of Object.keys(root.optionalDependencies)) {
    const manifest = join(ROOT, 'node_modules', name, 'package.json')
    if (existsSync(manifest)) return JSON.parse(readFileSync(manifest, 'utf8')).version
  }
  return undefined
}
