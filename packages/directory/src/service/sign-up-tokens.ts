import { KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import { DAY_SECONDS } from '../chain/limits.ts'
import { checkUsername } from '../chain/names.ts'
import { type ProfileName, profileOf } from '../chain/profile.ts'
import { randomId } from './accept-entry.ts'
import type { NewSignUpToken, SignUpTokenInfo } from './directory-service.ts'
import type { Actor, DirectoryTransaction, Page, Paged } from './ports.ts'
import { nowSeconds, type ServiceContext } from './service-context.ts'

export const SIGN_UP_TOKEN_PREFIX = 'khs_'
const TOKEN_BYTES = 32
const DEFAULT_TOKEN_LIFETIME_SECONDS = 7 * DAY_SECONDS
const MAX_TOKEN_LIFETIME_SECONDS = 90 * DAY_SECONDS

/** `DirectoryService.issueSignUpToken`. */
export async function issueToken<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  input: { readonly username: string; readonly expiresAt?: number; readonly profile?: ProfileName },
  actor: Actor,
): Promise<NewSignUpToken> {
  const { backend, settings, store } = context
  const { username } = input
  checkUsername(username)
  const profile = input.profile === undefined ? null : profileOf(input.profile).name
  if (profile !== null && !settings.profiles.includes(profile))
    throw new KeyhavenError('SUITE_REFUSED', `the profile ${profile} is switched off here`)
  const now = nowSeconds(context)
  const expiresAt = input.expiresAt ?? now + DEFAULT_TOKEN_LIFETIME_SECONDS
  if (!Number.isSafeInteger(expiresAt) || expiresAt <= now || expiresAt > now + MAX_TOKEN_LIFETIME_SECONDS)
    throw new KeyhavenError('INPUT_INVALID', 'a sign-up token expires in the next 90 days')
  const id = randomId(context)
  const token = `${SIGN_UP_TOKEN_PREFIX}${toBase64url(backend.randomBytes(TOKEN_BYTES))}`
  const hash = await backend.sha256(utf8(token))
  await store.transaction(async (tx) => {
    const row = { id, username, hash, profile, createdAt: now, createdBy: actor, expiresAt, usedAt: null }
    await tx.insertSignUpToken(row)
    const detail = { id, profile, expiresAt }
    await tx.audit({ actor, action: 'directory.sign-up-token.add', subject: username, detail })
  })
  return { id, token, username, profile, expiresAt }
}

/** `DirectoryService.listSignUpTokens`: without their hashes. */
export async function listTokens<Tx extends DirectoryTransaction>(
  { store }: ServiceContext<Tx>,
  page: Page,
): Promise<Paged<SignUpTokenInfo>> {
  const { items, next } = await store.transaction((tx) => tx.listSignUpTokens(page))
  return { items: items.map(({ hash: _, ...shown }) => shown), next }
}

/** `DirectoryService.deleteSignUpToken`. */
export async function deleteToken<Tx extends DirectoryTransaction>(
  { store }: ServiceContext<Tx>,
  id: string,
  actor: Actor,
): Promise<void> {
  await store.transaction(async (tx) => {
    const token = await tx.deleteSignUpToken(id)
    if (!token) throw new KeyhavenError('NOT_FOUND', 'no such sign-up token')
    const detail = { id }
    await tx.audit({ actor, action: 'directory.sign-up-token.delete', subject: token.username, detail })
  })
}
