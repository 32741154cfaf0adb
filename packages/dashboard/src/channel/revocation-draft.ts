import type { E2eKey } from '../api/e2e-keys.ts'

/** What the revoke dialog holds while a person fills it in. */
export interface RevocationDraft {
  /** The key's id, typed by hand. */
  readonly keyId: string
  readonly reason: string
  /** Given only for the last live key. */
  readonly consent: boolean
}

export type RevocationErrors = Partial<Record<keyof RevocationDraft, string>>

/** Why the revocation is not sent yet; empty if it may be. */
export function checkRevocation(draft: RevocationDraft, key: E2eKey, lastLive: boolean): RevocationErrors {
  const errors: RevocationErrors = {}
  if (draft.keyId.trim() !== String(key.keyId)) errors.keyId = `Type ${key.keyId}, the id of this key`
  if (draft.reason.trim() === '') errors.reason = 'Say why, in a few words'
  if (lastLive && !draft.consent) errors.consent = 'Tick this, or add another key first'
  return errors
}
