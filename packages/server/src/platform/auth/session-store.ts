import type { Actor } from '@keyhaven/keys'
import type { State } from '../state/state.ts'
import type { Principal } from './principal.ts'
import type { Role } from './roles.ts'
import { parseRoles } from './roles.ts'
import { hashSecret, MAX_TOKEN_CHARS, randomSecret, sameHash } from './secret.ts'

/** A session ends after this, used or not. */
export const SESSION_LIFETIME_SECONDS = 12 * 3_600

export type SignInMethod = 'token' | 'code' | 'oidc'

export interface NewSession {
  readonly actor: Actor
  readonly roles: readonly Role[]
  readonly method: SignInMethod
  /** The API token that signs in, if one does. */
  readonly tokenId?: string
  /** The token's own end: the session does not outlive it. */
  readonly notAfter?: number | null
}

export interface SessionStore {
  /** @returns the cookie's value. */
  create(session: NewSession): Promise<string>
  verify(cookie: string): Promise<Principal | undefined>
  end(cookie: string): Promise<void>
  /** Forgets expired ones. */
  prune(): Promise<void>
}

/** Dashboard sessions in the database, by the hash of the cookie. */
export function createSessionStore(state: State, clock: () => number): SessionStore {
  return {
    create: (session) =>
      state.transaction(async (transaction) => {
        const cookie = randomSecret()
        const end = transaction.now + SESSION_LIFETIME_SECONDS * 1_000
        await transaction.db
          .insertInto('sessions')
          .values({
            session_hash: hashSecret(cookie),
            actor: session.actor,
            roles: session.roles.join(','),
            method: session.method,
            token_id: session.tokenId ?? '',
            created_at: transaction.now,
            expires_at: Math.min(end, session.notAfter ?? end),
          })
          .execute()
        state.audit.append(transaction, {
          actor: session.actor,
          action: 'session.create',
          detail: { method: session.method, roles: [...session.roles] },
        })
        return cookie
      }),

    async verify(cookie) {
      if (cookie.length > MAX_TOKEN_CHARS) return undefined
      const hash = hashSecret(cookie)
      const row = await state.db
        .selectFrom('sessions')
        .selectAll()
        .where('session_hash', '=', hash)
        .executeTakeFirst()
      if (!row || !sameHash(row.session_hash, hash) || row.expires_at <= clock()) return undefined
      return {
        actor: row.actor,
        roles: parseRoles(row.roles),
        method: 'session',
        oidc: row.method === 'oidc',
        expiresAt: row.expires_at,
        tokenId: row.token_id,
      }
    },

    async end(cookie) {
      await state.db.deleteFrom('sessions').where('session_hash', '=', hashSecret(cookie)).execute()
    },

    async prune() {
      await state.db.deleteFrom('sessions').where('expires_at', '<=', clock()).execute()
    },
  }
}
