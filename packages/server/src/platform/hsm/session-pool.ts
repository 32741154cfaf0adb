import { KeyhavenError } from '@keyhaven/crypto'
import type * as Pkcs11 from 'pkcs11js'
import { codeOf, hsmError } from './hsm-error.ts'

/** A session does one operation at a time; several let the module use several processors. */
const SESSIONS = 4
/** The session is gone, for instance since the token was reset: a new one works. */
const SESSION_LOST = new Set([
  'CKR_SESSION_HANDLE_INVALID',
  'CKR_SESSION_CLOSED',
  'CKR_USER_NOT_LOGGED_IN',
  'CKR_DEVICE_REMOVED',
])

export interface SessionPool {
  /**
   * Runs `work` with a session that nobody else uses meanwhile.
   *
   * @throws KeyhavenError `STORE_UNAVAILABLE`; what `known` makes of the module's refusal.
   */
  run<T>(work: (session: Buffer) => Promise<T> | T, known?: (code: string) => Error | undefined): Promise<T>
  close(): void
}

/** @throws what the module says if no session can be opened. */
export function createSessionPool(
  pkcs11: typeof Pkcs11,
  module: Pkcs11.PKCS11,
  slot: Buffer,
  pin: string,
): SessionPool {
  const open = (): Buffer => {
    const session = module.C_OpenSession(slot, pkcs11.CKF_SERIAL_SESSION | pkcs11.CKF_RW_SESSION)
    try {
      // Of the whole application: the first session signs in for all.
      module.C_Login(session, pkcs11.CKU_USER, pin)
    } catch (error) {
      if (codeOf(error) !== 'CKR_USER_ALREADY_LOGGED_IN') {
        module.C_CloseSession(session)
        throw error
      }
    }
    return session
  }
  // Stays open and unused: when the last session closes, the sign-in and the handles of keys end with it.
  open()
  /** Places for a session; an empty one opens it when it is needed. */
  const free = Array<Buffer | undefined>(SESSIONS).fill(undefined)
  const waiting: ((place: Buffer | undefined) => void)[] = []

  const take = (): Promise<Buffer | undefined> =>
    free.length > 0 ? Promise.resolve(free.shift()) : new Promise((resolve) => waiting.push(resolve))

  const give = (place: Buffer | undefined): void => {
    const next = waiting.shift()
    if (next !== undefined) next(place)
    // Open ones first.
    else if (place === undefined) free.push(place)
    else free.unshift(place)
  }

  /** After a refusal the operation may still be under way in the session: a new one is clean. */
  const discard = (session: Buffer): void => {
    try {
      module.C_CloseSession(session)
    } catch {
      // It is gone already.
    }
  }

  return {
    async run(work, known) {
      let session = await take()
      for (let attempt = 1; ; attempt++) {
        try {
          session ??= open()
          const result = await work(session)
          give(session)
          return result
        } catch (error) {
          if (session !== undefined) discard(session)
          session = undefined
          const code = codeOf(error)
          if (attempt === 1 && SESSION_LOST.has(code)) continue
          give(undefined)
          if (error instanceof KeyhavenError) throw error
          throw known?.(code) ?? hsmError(error)
        }
      }
    },
    close: () => module.C_CloseAllSessions(slot),
  }
}
