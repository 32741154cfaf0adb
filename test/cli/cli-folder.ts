import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, parse } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundledPrograms } from '../kit/bundled-program.ts'

const APP = fileURLToPath(new URL('./app.ts', import.meta.url))
const MEMBER = fileURLToPath(new URL('./member.ts', import.meta.url))
const BIN = fileURLToPath(new URL('../../packages/cli/bin/keyhaven.mjs', import.meta.url))

export interface CliFolder extends AsyncDisposable {
  readonly path: string
  /**
   * An environment in which `keyhaven` is the command, `app` calls as an app does, `member` signs up a user,
   * and nothing of ours is set.
   */
  readonly env: Readonly<Record<string, string>>
}

/** A temporary folder to run `keyhaven` in. */
export async function createCliFolder(): Promise<CliFolder> {
  const path = await mkdtemp(join(tmpdir(), 'keyhaven-script-'))
  const bin = join(path, 'bin')
  await mkdir(bin)
  for (const program of await bundledPrograms([BIN, APP, MEMBER]))
    await writeProgram(join(bin, parse(program).name), program)
  return {
    path,
    env: { PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`, HOME: path, LANG: 'C.UTF-8' },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** The Node of these tests, which may not be the first on the PATH, and what it has compiled. */
async function writeProgram(file: string, script: string): Promise<void> {
  const cache = `export NODE_COMPILE_CACHE='${process.env.NODE_COMPILE_CACHE ?? ''}'`
  await writeFile(file, `#!/bin/sh\n${cache}\nexec '${process.execPath}' '${script}' "$@"\n`)
  await chmod(file, 0o755)
}
