import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { KeyhavenError, overwrite, toHex } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'

export const STORE_KEY_BYTES = 32
const OWNER_ONLY = 0o600
const OTHERS = 0o077
const NAME_BYTES = 8

/** An empty file that only its owner can read, unless there is one already. */
export function createOwnerOnly(path: string, mode: number): void {
  if (existsSync(path)) return
  try {
    closeSync(openSync(path, 'wx', mode))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/**
 * The key in a file, created with mode 0600. Written whole before it gets its name, so that of two processes that start
 * at once both have the same one, and a crash leaves none.
 *
 * @param sealed - the file that the key seals: once it holds something, a new key would open none of it.
 * @throws KeyhavenError `STORE_UNAVAILABLE` if the file is lost or cannot be read, others can read it, or it is no key.
 */
export function loadStoreKey(path: string, sealed: string): Uint8Array {
  // Asked before the key, which another process makes before the file.
  const isSealed = (statSync(sealed, { throwIfNoEntry: false })?.size ?? 0) > 0
  try {
    if (!existsSync(path)) {
      if (isSealed)
        throw new KeyhavenError('STORE_UNAVAILABLE', `${path} is missing: only it opens the store`)
      createKey(path)
    }
    if (process.platform !== 'win32' && (statSync(path).mode & OTHERS) !== 0) {
      throw new KeyhavenError('STORE_UNAVAILABLE', `${path} can be read by others: chmod 600 it`)
    }
    const key = Uint8Array.from(readFileSync(path))
    if (key.length !== STORE_KEY_BYTES) {
      throw new KeyhavenError('STORE_UNAVAILABLE', `${path} holds no key: put the one back that was there`)
    }
    return key
  } catch (error) {
    if (error instanceof KeyhavenError) throw error
    const what = `the store's key file ${path} cannot be read or made: look at its folder and who owns it`
    throw new KeyhavenError('STORE_UNAVAILABLE', what, { cause: error })
  }
}

function createKey(path: string): void {
  const key = nodeBackend.randomBytes(STORE_KEY_BYTES)
  const unnamed = `${path}.${toHex(nodeBackend.randomBytes(NAME_BYTES))}`
  const file = openSync(unnamed, 'wx', OWNER_ONLY)
  try {
    writeSync(file, key)
    fsyncSync(file)
    linkSync(unnamed, path)
  } catch (error) {
    // Another process was first: its key counts.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    closeSync(file)
    rmSync(unnamed, { force: true })
    overwrite(key)
  }
}
