import type { FileVerification } from '../files/verify-files.ts'
import { verifyFiles as verify } from '../files/verify-files.ts'
import type { Config } from '../platform/config/config.ts'
import { openObjectStore } from '../platform/objects/open-object-store.ts'
import { openState } from '../platform/state/open-state.ts'
import type { LongWork } from './long-work.ts'

export interface VerifyFilesOptions extends LongWork {
  readonly repair: boolean
  readonly actor: string
  readonly clock: () => number
}

/**
 * Compares the files' rows with the object store, also while the server runs.
 *
 * @throws KeyhavenError `STORE_UNAVAILABLE`, `CONFIG_INVALID`.
 */
export async function verifyFiles(config: Config, options: VerifyFilesOptions): Promise<FileVerification> {
  const state = await openState(config, { schedule: false })
  try {
    const objects = await openObjectStore(config.objects)
    try {
      return await verify(state, objects, options)
    } finally {
      objects.close()
    }
  } finally {
    await state.close()
  }
}
