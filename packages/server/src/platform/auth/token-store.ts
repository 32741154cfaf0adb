import { randomUUID } from 'node:crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import type { Actor } from '@keyhaven/keys'
import type { State } from '../state/state.ts'
import { ADMIN_TOKEN_NAME, makersOf } from './operator-makers.ts'
import type { Principal } from './principal.ts'
import type { Role } from './roles.ts'
import { parseRoles } from './roles.ts'
import { hashSecret, MAX_TOKEN_CHARS, newToken, sameHash } from './secret.ts'

/** Of the ids under which sessions name a fixed admin token; a row's id is a UUID. */
const FIXED_ID_PREFIX = 'fixed-'
const FIXED_ID_HEX_DIGITS = 16
/** How exact `lastUsedAt` is: a write per call would cost more than the call. */
const LAST_USED_STEP_MS = 60_000

/** All times are milliseconds since the epoch. */
export interface ApiToken {
  readonly id: string
  readonly name: string
  readonly roles: readonly Role[]
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
}

export interface TokenStore {
  /**
   * @returns the token itself: it can never be asked for again.
   * @throws KeyhavenError `CONFLICT` (name taken).
   */
  create(
    input: { name: string; roles: readonly Role[]; expiresAt: number | null },
    actor: Actor,
  ): Promise<{ item: ApiToken; token: string }>
  /** Newest first. */
  list(): Promise<readonly ApiToken[]>
  /** Ends the sessions that it started, too. @throws KeyhavenError `NOT_FOUND`. */
  delete(id: string, actor: Actor): Promise<void>
  /** Ends the sessions of fixed admin tokens that were in the settings or the data folder before this one. */
  endFormerSessions(): Promise<void>
  /** @returns undefined if the token is unknown or has expired. */
  verify(token: string): Promise<Principal | undefined>
}

/** API tokens, stored hashed; beside them the fixed admin token of the settings or the data folder. */
export function createTokenStore(state: State, adminToken: string, clock: () => number): TokenStore {
  const adminHash = hashSecret(adminToken)
  const adminId =
    FIXED_ID_PREFIX + hashSecret(adminHash.toString('hex')).toString('hex', 0, FIXED_ID_HEX_DIGITS / 2)

  async function verifyStored(hash: Uint8Array): Promise<Principal | undefined> {
    const row = await state.db
      .selectFrom('api_tokens')
      .selectAll()
      .where('token_hash', '=', hash)
      .executeTakeFirst()
    const now = clock()
    if (!row || !sameHash(row.token_hash, hash)) return undefined
    if (row.expires_at !== null && row.expires_at <= now) return undefined
    if (row.last_used_at === null || row.last_used_at < now - LAST_USED_STEP_MS) {
      await state.db.updateTable('api_tokens').set({ last_used_at: now }).where('id', '=', row.id).execute()
    }
    return {
      actor: `token:${row.name}`,
      roles: parseRoles(row.roles),
      method: 'token',
      oidc: false,
      expiresAt: row.expires_at,
      tokenId: row.id,
    }
  }

  return {
    create: (input, actor) =>
      state.transaction(async (transaction) => {
        const { name, roles, expiresAt } = input
        const taken = await transaction.db
          .selectFrom('api_tokens')
          .select('id')
          .where('name', '=', name)
          .executeTakeFirst()
        if (taken || name === ADMIN_TOKEN_NAME) {
          throw new KeyhavenError('CONFLICT', `name: a token named "${name}" exists already`)
        }
        const token = newToken()
        const makers = [actor, ...((await makersOf(transaction.db, actor)) ?? [])]
        const item = {
          id: randomUUID(),
          name,
          roles,
          createdAt: transaction.now,
          expiresAt,
          lastUsedAt: null,
        }
        await transaction.db
          .insertInto('api_tokens')
          .values({
            id: item.id,
            name,
            token_hash: hashSecret(token),
            roles: roles.join(','),
            created_at: item.createdAt,
            expires_at: expiresAt,
            last_used_at: null,
            makers: JSON.stringify(makers),
          })
          .execute()
        state.audit.append(transaction, {
          actor,
          action: 'token.create',
          subject: item.id,
          detail: { name, roles: [...roles], expiresAt },
        })
        return { item, token }
      }),

    async list() {
      const rows = await state.db
        .selectFrom('api_tokens')
        .selectAll()
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .execute()
      return rows.map((row) => ({
        id: row.id,
        name: row.name,
        roles: parseRoles(row.roles),
        createdAt: row.created_at,
        expiresAt: row.expires_at,
        lastUsedAt: row.last_used_at,
      }))
    },

    delete: (id, actor) =>
      state.transaction(async (transaction) => {
        const row = await transaction.db
          .deleteFrom('api_tokens')
          .where('id', '=', id)
          .returning('name')
          .executeTakeFirst()
        if (!row) throw new KeyhavenError('NOT_FOUND', 'there is no such token')
        await transaction.db.deleteFrom('sessions').where('token_id', '=', id).execute()
        // Into the anchor, so that a restored database does not bring the token back.
        transaction.effects.revoked.push({ id, applicationId: '' })
        state.audit.append(transaction, {
          actor,
          action: 'token.delete',
          subject: id,
          detail: { name: row.name },
        })
      }),

    async endFormerSessions() {
      await state.db
        .deleteFrom('sessions')
        .where('token_id', 'like', `${FIXED_ID_PREFIX}%`)
        .where('token_id', '!=', adminId)
        .execute()
    },

    async verify(token) {
      if (token.length > MAX_TOKEN_CHARS) return undefined
      const hash = hashSecret(token)
      if (sameHash(hash, adminHash)) {
        return {
          actor: `token:${ADMIN_TOKEN_NAME}`,
          roles: ['admin'],
          method: 'token',
          oidc: false,
          expiresAt: null,
          tokenId: adminId,
        }
      }
      return verifyStored(hash)
    },
  }
}
