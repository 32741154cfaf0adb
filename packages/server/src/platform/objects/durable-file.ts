import { randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700
const SUFFIX_BYTES = 9
/** Names of files that are not finished begin so; a dot is in no object's name. */
export const UNFINISHED = '.new-'

/**
 * Writes a file, whole or not at all, durable before it returns. Its folder must be there.
 *
 * @throws what the file system says; nothing is left behind.
 */
export async function writeDurable(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `${UNFINISHED}${randomBytes(SUFFIX_BYTES).toString('base64url')}`)
  try {
    const file = await open(temporary, 'wx', FILE_MODE)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(folder)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
}

/** Makes a folder with those above it, and makes their names durable. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: DIRECTORY_MODE })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

/** Makes what was renamed or removed in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows has no such thing.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
