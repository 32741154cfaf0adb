import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MODULE = '/usr/lib/softhsm/libsofthsm2.so'
const PIN = '648219'

export interface TestHsm {
  /** As the settings name it. */
  readonly location: { readonly module: string; readonly slotLabel: string; readonly pinFile: string }
  /** Everything that the token has on disk. */
  readonly folder: string
  /** Makes one more token in the same module. */
  addToken(label: string): void
  remove(): void
}

/**
 * A SoftHSM 2 with one token. The module reads `SOFTHSM2_CONF` once, so that a process has one such folder;
 * child processes inherit it.
 */
export function createSoftHsm(label = 'keyhaven'): TestHsm {
  const folder = mkdtempSync(join(tmpdir(), 'keyhaven-hsm-'))
  const tokens = join(folder, 'tokens')
  mkdirSync(tokens)
  const settings = join(folder, 'softhsm2.conf')
  writeFileSync(settings, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`)
  const pinFile = join(folder, 'pin')
  writeFileSync(pinFile, `${PIN}\n`, { mode: 0o600 })
  process.env.SOFTHSM2_CONF = settings
  const addToken = (name: string): void => {
    const words = ['--init-token', '--free', '--label', name, '--so-pin', '91736482', '--pin', PIN]
    execFileSync('softhsm2-util', words, { stdio: 'pipe' })
  }
  try {
    addToken(label)
  } catch (error) {
    rmSync(folder, { recursive: true })
    throw error
  }
  return {
    location: { module: MODULE, slotLabel: label, pinFile },
    folder,
    addToken,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
