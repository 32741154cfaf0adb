import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'

/** Only the owner reads and writes. */
export const PRIVATE_FILE_MODE = 0o600

/** Writes a file that must not exist yet, readable by its owner only, and waits until it is on the disk. */
export async function createPrivateFile(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', PRIVATE_FILE_MODE)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Replaces a file in one step, so that a reader sees the old or the new one and never a part. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}`
  try {
    await createPrivateFile(temporary, text)
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
