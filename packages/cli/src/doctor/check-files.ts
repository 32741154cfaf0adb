import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ADMIN_TOKEN_FILE } from '../admin/read-admin-token.ts'
import { type Check, failed, ok, warning } from './check.ts'

/** Permission bits of everybody but the owner. */
const OTHERS_MODE = 0o077
const OTHERS_WRITE_MODE = 0o022

/** The data folder: who may read and write it. */
export async function checkDataFolder(folder: string): Promise<Check> {
  const name = 'data folder'
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => error)
  if (found instanceof Error) {
    if (found.code === 'ENOENT') return ok(name, `${folder} is not there yet; the first start makes it`)
    return failed(
      name,
      `cannot look at ${folder} (${found.code})`,
      'Run it as the user that the server runs as.',
    )
  }
  if (!found.isDirectory()) return failed(name, `${folder} is not a folder`, 'Choose another --data.')
  if (process.platform === 'win32') return ok(name, folder)
  if ((found.mode & OTHERS_WRITE_MODE) !== 0) {
    return failed(name, `others may write to ${folder}`, `Run: chmod 700 ${folder}`)
  }
  if ((found.mode & OTHERS_MODE) !== 0) {
    return warning(name, `others may look into ${folder}`, `Run: chmod 700 ${folder}`)
  }
  return ok(name, folder)
}

/** The admin token's file: only its owner may read it. */
export async function checkAdminToken(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Check> {
  const name = 'admin token'
  const file = join(folder, ADMIN_TOKEN_FILE)
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => error)
  if (found instanceof Error) {
    if (env.KEYHAVEN_ADMIN_TOKEN) return ok(name, 'from KEYHAVEN_ADMIN_TOKEN')
    if (found.code === 'ENOENT') return ok(name, `${file} is not there yet; the first start makes it`)
    return failed(
      name,
      `cannot look at ${file} (${found.code})`,
      'Run it as the user that the server runs as.',
    )
  }
  if (process.platform !== 'win32' && (found.mode & OTHERS_MODE) !== 0) {
    return failed(name, `others may read ${file}`, `Run: chmod 600 ${file}`)
  }
  return ok(name, env.KEYHAVEN_ADMIN_TOKEN ? 'from KEYHAVEN_ADMIN_TOKEN' : file)
}
