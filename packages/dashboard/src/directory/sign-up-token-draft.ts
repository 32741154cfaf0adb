import type { ProfileName } from '../api/directory-devices.ts'
import type { NewSignUpToken } from '../api/sign-up-tokens.ts'
import { momentToIso } from '../parts/local-moment.ts'

/** What the dialog holds while a person fills it in. */
export interface SignUpTokenDraft {
  readonly username: string
  /** As `<input type="datetime-local">` gives it; empty: the server's usual lifetime. */
  readonly expires: string
  /** Empty: any that the server allows. */
  readonly profile: ProfileName | ''
}

export const EMPTY_SIGN_UP: SignUpTokenDraft = { username: '', expires: '', profile: '' }

export type SignUpTokenErrors = Partial<Record<keyof SignUpTokenDraft, string>>

export const USERNAME_MAX_CHARS = 128

const CONTROL = /\p{Cc}/u
/** Steps within an address, even when escaped: no call could name such a user. */
const PATH_STEPS: readonly string[] = ['.', '..']

/**
 * What is missing or wrong, field by field.
 *
 * @param now - milliseconds since the epoch.
 */
export function checkSignUpToken(draft: SignUpTokenDraft, now: number): SignUpTokenErrors {
  const errors: SignUpTokenErrors = {}
  const username = readUsername(draft)
  if (username === '') errors.username = 'Type the name that the user signs up with'
  else if ([...username].length > USERNAME_MAX_CHARS) {
    errors.username = `A username has at most ${USERNAME_MAX_CHARS} characters`
  } else if (CONTROL.test(username)) errors.username = 'A username has no tab and no line break in it'
  else if (PATH_STEPS.includes(username)) errors.username = 'A username has more in it than dots'
  const expiresAt = momentToIso(draft.expires)
  if (expiresAt !== undefined && Date.parse(expiresAt) <= now)
    errors.expires = 'Choose a time that is still to come'
  return errors
}

/** The call's body, from a draft without errors. */
export function draftToSignUpToken(draft: SignUpTokenDraft): NewSignUpToken {
  const expiresAt = momentToIso(draft.expires)
  return {
    username: readUsername(draft),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(draft.profile === '' ? {} : { profile: draft.profile }),
  }
}

/**
 * Usernames are compared byte for byte, so what looks the same has to be the same: NFC, no space around it.
 */
function readUsername(draft: SignUpTokenDraft): string {
  return draft.username.trim().normalize('NFC')
}
