#!/usr/bin/env node
// Plain JavaScript for old versions of Node: it only finds a Node that runs the TypeScript source, and goes
// there.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MINIMUM_NODE_MAJOR = 26
/** Set for the child, so that a wrong binary cannot start itself again for ever. */
const GUARD = 'KEYHAVEN_NODE_REEXECUTED'
const binFolder = dirname(fileURLToPath(import.meta.url))

const major = Number(process.versions.node.split('.')[0])
if (major >= MINIMUM_NODE_MAJOR) await runHere()
else await runWithNewerNode()

async function runHere() {
  delete process.env[GUARD]
  const { main } = await import('../src/main.ts')
  await main()
}

async function runWithNewerNode() {
  const newer = process.env[GUARD] === undefined ? findNewerNode() : undefined
  if (newer === undefined) {
    process.stderr.write(
      `error: keyhaven needs Node ${MINIMUM_NODE_MAJOR} or newer, this is ${process.version}.\n` +
        'what to do: run `npm install` in the project (it brings the right Node along), ' +
        'or install Node from https://nodejs.org.\n',
    )
    process.exitCode = 1
    return
  }
  const child = spawn(newer, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, [GUARD]: '1' },
  })
  // A terminal sends its signals to both; from elsewhere only this process gets them, so they are handed on.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGHUP', () => child.kill('SIGHUP'))
  child.on('error', (error) => {
    process.stderr.write(
      `error: cannot start ${newer}: ${error.message}\nwhat to do: run \`npm install\` again.\n`,
    )
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code ?? 1
    else {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    }
  })
}

/** The Node of npm's platform package, in the nearest `node_modules` upwards. */
function findNewerNode() {
  const executable = process.platform === 'win32' ? 'node.exe' : 'node'
  for (let folder = binFolder; ; folder = dirname(folder)) {
    const modules = join(folder, 'node_modules')
    const candidates = [
      join(modules, `node-${process.platform}-${process.arch}`, 'bin', executable),
      join(modules, `node-bin-${process.platform}-${process.arch}`, 'bin', executable),
      join(
        modules,
        `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`,
        'bin',
        executable,
      ),
      join(modules, '.bin', executable),
    ]
    for (const candidate of candidates) if (existsSync(candidate)) return candidate
    if (dirname(folder) === folder) return undefined
  }
}
