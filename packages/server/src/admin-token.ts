import { join } from 'node:path'
import { KeyhavenError } from '@keyhaven/crypto'
import { newToken } from './platform/auth/secret.ts'
import { createPrivateFile, readPrivateFile } from './platform/wrappers/private-file.ts'

const ADMIN_TOKEN_FILE = 'admin-token'
const MIN_TOKEN_CHARS = 16

/**
 * The fixed admin token: of the settings, else of the data folder, where the first start writes it (0600).
 */
export function readAdminToken(dataDir: string, configured: string | undefined): string {
  if (configured !== undefined) return configured
  const file = join(dataDir, ADMIN_TOKEN_FILE)
  createPrivateFile(file, `${newToken()}\n`)
  const token = readPrivateFile(file)?.toString('utf8').trim() ?? ''
  if (token.length < MIN_TOKEN_CHARS) {
    throw new KeyhavenError('CONFIG_INVALID', `${file} holds no token: delete it, then a new one is made`)
  }
  return token
}
