import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { KeyhavenError, overwrite } from '@keyhaven/crypto'

const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700
const OTHERS_MODE = 0o077
/** A keyring of a few keys has less than a tenth of this. */
const MAX_FILE_BYTES = 65_536

/**
 * Reads a file that holds a secret.
 *
 * @returns undefined if there is no such file. The caller overwrites the bytes after use.
 * @throws KeyhavenError `CONFIG_INVALID` if others than its owner may read it, or it cannot be read.
 */
export function readPrivateFile(file: string): Buffer | undefined {
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new KeyhavenError('CONFIG_INVALID', `cannot read ${file}`, { cause: error })
  }
  try {
    const { mode, size } = fstatSync(descriptor)
    if (process.platform !== 'win32' && (mode & OTHERS_MODE) !== 0) {
      throw new KeyhavenError('CONFIG_INVALID', `others may read ${file}: run chmod 600 ${file}`)
    }
    if (size > MAX_FILE_BYTES)
      throw new KeyhavenError('CONFIG_INVALID', `${file} is too large for what it should hold`)
    const bytes = Buffer.alloc(MAX_FILE_BYTES)
    let length = 0
    for (;;) {
      const read = readSync(descriptor, bytes, length, bytes.length - length, null)
      if (read === 0) break
      length += read
    }
    return bytes.subarray(0, length)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Makes the file, whole or not at all, durable before it returns, readable by its owner only.
 *
 * @returns false if it is there already; then nothing is changed.
 */
export function createPrivateFile(file: string, content: string): boolean {
  return write(file, content, (temporary) => {
    try {
      linkSync(temporary, file)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw error
    } finally {
      rmSync(temporary, { force: true })
    }
  })
}

/** Puts new content in its place: after a crash either the old or the new file is there, whole. */
export function replacePrivateFile(file: string, content: string): void {
  write(file, content, (temporary) => {
    renameSync(temporary, file)
    return true
  })
}

function write(file: string, content: string, place: (temporary: string) => boolean): boolean {
  const directory = dirname(file)
  const temporary = join(directory, `.${basename(file)}.${randomBytes(6).toString('hex')}`)
  try {
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE })
    const descriptor = openSync(
      temporary,
      constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW,
      FILE_MODE,
    )
    try {
      const bytes = Buffer.from(content)
      for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset)
      overwrite(bytes)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    const placed = place(temporary)
    syncDirectory(directory)
    return placed
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new KeyhavenError('STORE_UNAVAILABLE', `cannot write ${file}`, { cause: error })
  }
}

function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
