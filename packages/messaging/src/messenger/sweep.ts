import { fromRecord } from '../device/key-record.ts'
import { SENT_PREFIX } from '../session/open-sending-session.ts'
import type { Context } from './context.ts'
import { ASKED_PREFIX, REPAIRED_PREFIX } from './repaired-keys.ts'

const DAY_SECONDS = 86_400
/** As long as a mailbox keeps messages, and a little. */
const REPAIR_SECONDS = 35 * DAY_SECONDS

/** Erases what repairs do not need any more: addressees of old sessions, old questions, keys that nobody used. */
export async function sweepRecords({ store, now }: Context): Promise<void> {
  const oldest = now() - REPAIR_SECONDS
  for (const prefix of [SENT_PREFIX, ASKED_PREFIX]) {
    for (const key of await store.list(prefix)) {
      const stored = await store.get(key)
      if (!stored) continue
      const { issued, at } = fromRecord<{ issued?: number; at?: number }>(stored.value)
      if ((issued ?? at ?? 0) >= oldest) continue
      const session = key.slice(prefix.length)
      const also = prefix === ASKED_PREFIX ? await namesOf(store, session) : []
      const expect = [{ key, version: stored.version }, ...also]
      await store.commit({ expect, delete: expect.map((gone) => gone.key) })
    }
  }
}

/** Keys sent again for a session. The marks of those that were read stay: they refuse what comes twice. */
async function namesOf(
  store: Context['store'],
  session: string,
): Promise<{ key: string; version: number }[]> {
  const names: { key: string; version: number }[] = []
  for (const key of await store.list(`${REPAIRED_PREFIX}${session}/`)) {
    const stored = await store.get(key)
    if (stored) names.push({ key, version: stored.version })
  }
  return names
}
