import { KeyhavenError } from '@keyhaven/crypto'
import { StoreFullError } from './store-full-error.ts'

/** No room: on the disk, in the quota, or by a limit on the size of files. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** What the file system threw, as `STORE_UNAVAILABLE`; what is no error of it stays as it is. */
export function toObjectError(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  if (error instanceof KeyhavenError || typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return error
  if (FULL.has(code)) return new StoreFullError('the disk of the objects is full', error)
  return new KeyhavenError('STORE_UNAVAILABLE', `the folder of the objects cannot be used (${code})`, {
    cause: error,
  })
}

export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return code === 'ENOENT' || code === 'ENOTDIR'
}
