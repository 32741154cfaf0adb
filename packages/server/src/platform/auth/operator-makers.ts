import type { Actor } from '@keyhaven/keys'
import type { Db, DbTransaction } from '../database/schema.ts'

/** The name that the fixed admin token acts under. */
export const ADMIN_TOKEN_NAME = 'admin'
const FIXED_ADMIN: Actor = `token:${ADMIN_TOKEN_NAME}`
const TOKEN_PREFIX = 'token:'

/**
 * Who made an operator's token, who made that one's, and so on. None for the fixed admin token, and for
 * operators of an identity provider: each `(iss, sub)` is one.
 *
 * @returns undefined if it is not known: the token is gone, or older than this record.
 */
export async function makersOf(db: Db | DbTransaction, actor: Actor): Promise<readonly Actor[] | undefined> {
  if (!actor.startsWith(TOKEN_PREFIX) || actor === FIXED_ADMIN) return []
  const row = await (db as Db)
    .selectFrom('api_tokens')
    .select('makers')
    .where('name', '=', actor.slice(TOKEN_PREFIX.length))
    .executeTakeFirst()
  return row?.makers ? (JSON.parse(row.makers) as Actor[]) : undefined
}

/**
 * Why two operators may be one person: one made the other's token, or a third made both. The fixed admin token
 * gives an installation its first tokens, so that it made both says nothing; whoever holds it can be any two.
 *
 * @returns undefined if nothing speaks for it.
 */
export async function whyOneOperator(db: Db, one: Actor, other: Actor): Promise<string | undefined> {
  const lines: Actor[][] = []
  for (const actor of [one, other]) {
    const makers = await makersOf(db, actor)
    if (makers === undefined) {
      return `it is not known who made ${actor}: it was deleted, or made by an older version; use a new token`
    }
    lines.push([actor, ...makers])
  }
  const [first, second] = lines as [Actor[], Actor[]]
  if (first.includes(other)) return `${other} made ${one}, or the token that made it`
  if (second.includes(one)) return `${one} made ${other}, or the token that made it`
  const shared = first.find((actor) => actor !== FIXED_ADMIN && second.includes(actor))
  return shared === undefined ? undefined : `${shared} made both tokens`
}
