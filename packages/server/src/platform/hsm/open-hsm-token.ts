import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { KeyhavenError } from '@keyhaven/crypto'
import type * as Pkcs11 from 'pkcs11js'
import { codeOf, hsmError } from './hsm-error.ts'
import { createSessionPool, type SessionPool } from './session-pool.ts'

/** A PKCS#11 module and one of its tokens. */
export interface HsmLocation {
  /** The module's shared library. */
  readonly module: string
  /** Label of the token. */
  readonly slotLabel: string
  /** File whose first line is the user PIN. */
  readonly pinFile: string
}

/** A token that is signed in to. */
export interface HsmToken {
  readonly pkcs11: typeof Pkcs11
  readonly module: Pkcs11.PKCS11
  readonly slot: Buffer
  readonly info: Pkcs11.TokenInfo
  readonly sessions: SessionPool
  close(): void
}

/** One initialised module for each library: PKCS#11 allows no second one in a process. */
const loaded = new Map<string, { readonly module: Pkcs11.PKCS11; users: number }>()

/**
 * Loads the module, finds the token by its label and signs in (PKCS #11 v2.40, 5.4 to 5.6).
 *
 * @throws KeyhavenError `CONFIG_INVALID` with what to mend, `STORE_UNAVAILABLE` if the module fails.
 */
export function openHsmToken(location: HsmLocation): HsmToken {
  const pkcs11 = loadBinding()
  const pin = readPin(location.pinFile)
  const module = acquire(pkcs11, location.module)
  try {
    const { slot, info } = findToken(module, location.slotLabel)
    const sessions = createSessionPool(pkcs11, module, slot, pin)
    return {
      ...{ pkcs11, module, slot, info, sessions },
      close: () => {
        sessions.close()
        release(location.module)
      },
    }
  } catch (error) {
    release(location.module)
    if (error instanceof KeyhavenError) throw error
    throw hsmError(error)
  }
}

/** Optional, because it is compiled at installation. */
function loadBinding(): typeof Pkcs11 {
  try {
    return createRequire(import.meta.url)('pkcs11js') as typeof Pkcs11
  } catch (cause) {
    throw new KeyhavenError(
      'CONFIG_INVALID',
      'pkcs11js is not built: install python3, make and a C++ compiler, then run `npm install` again',
      { cause },
    )
  }
}

function readPin(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new KeyhavenError('CONFIG_INVALID', `cannot read the PIN file ${file}`, { cause })
  }
  const pin = text.split('\n')[0]!.trim()
  if (pin === '')
    throw new KeyhavenError('CONFIG_INVALID', `the PIN file ${file} has no PIN in its first line`)
  return pin
}

function acquire(pkcs11: typeof Pkcs11, library: string): Pkcs11.PKCS11 {
  const known = loaded.get(library)
  if (known !== undefined) {
    known.users++
    return known.module
  }
  const module = new pkcs11.PKCS11()
  try {
    module.load(library)
    module.C_Initialize({ flags: pkcs11.CKF_OS_LOCKING_OK })
  } catch (cause) {
    throw new KeyhavenError(
      'CONFIG_INVALID',
      `the PKCS#11 module ${library} cannot be loaded (${codeOf(cause)})`,
      { cause },
    )
  }
  loaded.set(library, { module, users: 1 })
  return module
}

function release(library: string): void {
  const known = loaded.get(library)
  if (known === undefined || --known.users > 0) return
  loaded.delete(library)
  known.module.C_Finalize()
  known.module.close()
}

function findToken(
  module: Pkcs11.PKCS11,
  label: string,
): { readonly slot: Buffer; readonly info: Pkcs11.TokenInfo } {
  const labels: string[] = []
  for (const slot of module.C_GetSlotList(true)) {
    const info = module.C_GetTokenInfo(slot)
    // Padded with blanks; some modules end them with NUL.
    const found = info.label.replace(/[\s\0]+$/, '')
    if (found === label) return { slot, info }
    labels.push(found)
  }
  const there = labels.filter((found) => found !== '').join(', ') || 'none'
  throw new KeyhavenError('CONFIG_INVALID', `the HSM has no token with the label ${label}; it has: ${there}`)
}
