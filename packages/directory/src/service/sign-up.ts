import { jwkThumbprint, KeyhavenError, utf8 } from '@keyhaven/crypto'
import type { DeviceKeyRequest } from '../chain/device-key-request.ts'
import type {
  DirectoryTransaction,
  SignUpProof,
  SignUpSource,
  StoredSignUpToken,
  StoredUser,
  VerifiedIdToken,
} from './ports.ts'
import type { ServiceContext } from './service-context.ts'

/** An operator's token and nobody else's; longer input is not even hashed. */
const MAX_TOKEN_CHARACTERS = 128
const MAX_ID_TOKEN_CHARACTERS = 16_384

/** A sign-up proof after what can be checked without the database. */
export type CheckedProof =
  | { readonly token: string }
  | { readonly idToken: VerifiedIdToken; readonly nonce: string }

/** A sign-up proof that was taken. */
export interface TakenProof {
  readonly source: SignUpSource
  /** When the operator made the token, in seconds; undefined for an id token. */
  readonly issuedAt?: number
}

/** Checks an id token, which may ask its issuer for keys: so before the transaction. */
export async function checkProof<Tx extends DirectoryTransaction>(
  { backend, signUp }: ServiceContext<Tx>,
  proof: SignUpProof,
  request: DeviceKeyRequest,
): Promise<CheckedProof> {
  if ('token' in proof) return { token: proof.token }
  if (proof.idToken.length > MAX_ID_TOKEN_CHARACTERS) throw refused()
  const idToken = await signUp.verifyIdToken(proof.idToken)
  return { idToken, nonce: await jwkThumbprint(backend, request.signingKey) }
}

/**
 * Takes a sign-up proof for this user and this key; an operator's token is used up with the transaction.
 *
 * @throws KeyhavenError `ACCESS_DENIED`, whatever is wrong with it; `CONFLICT` if the user signed up
 * elsewhere.
 */
export async function takeProof<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  tx: Tx,
  proof: CheckedProof,
  { request, user, now }: { request: DeviceKeyRequest; user: StoredUser | undefined; now: number },
): Promise<TakenProof> {
  if ('token' in proof) {
    const { createdAt } = await takeToken(context, tx, proof.token, request, now)
    return { source: 'token', issuedAt: createdAt }
  }
  const { issuer, subject, nonce } = proof.idToken
  if (subject !== request.username || nonce === undefined || nonce !== proof.nonce) throw refused()
  const source = `oidc:${issuer}`
  if (user && user.signUp !== source)
    throw new KeyhavenError('CONFLICT', 'the username belongs to a user who signed up elsewhere')
  return { source }
}

/**
 * Tokens from before a reset admit nobody after it: whoever has an old one need not be whom the operator reset.
 *
 * @param resetAt - when the authority accepted the reset, in seconds, by the clock that dates tokens.
 * @throws KeyhavenError `ACCESS_DENIED`
 */
export function requireSinceReset({ issuedAt }: TakenProof, resetAt: number): void {
  if (issuedAt !== undefined && issuedAt < resetAt) throw refused()
}

async function takeToken<Tx extends DirectoryTransaction>(
  { backend }: ServiceContext<Tx>,
  tx: Tx,
  token: string,
  request: DeviceKeyRequest,
  now: number,
): Promise<StoredSignUpToken> {
  if (typeof token !== 'string' || token.length > MAX_TOKEN_CHARACTERS) throw refused()
  const stored = await tx.findSignUpToken(await backend.sha256(utf8(token)))
  const fits =
    stored !== undefined &&
    stored.usedAt === null &&
    now < stored.expiresAt &&
    stored.username === request.username &&
    (stored.profile === null || stored.profile === request.profile)
  if (!fits || !(await tx.useSignUpToken(stored.id, now))) throw refused()
  return stored
}

function refused(): KeyhavenError {
  return new KeyhavenError('ACCESS_DENIED', 'the sign-up token or id token does not admit this user and key')
}
