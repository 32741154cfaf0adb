import { KeyhavenError } from '@keyhaven/crypto'
import type { Datashare } from './datashare.ts'
import { type DatashareParts, objectName } from './datashare-parts.ts'
import { READ_COUNTS_ONCE_MS } from './read-share.ts'

const SHARES_AT_ONCE = 200
/** An object without a row is of a share that was being made; after this its maker has stopped. */
const ORPHAN_MS = 3_600_000

export function createShareUpkeep(
  parts: Pick<DatashareParts, 'applicationId' | 'store' | 'objects' | 'clock'>,
): Pick<Datashare, 'revoke' | 'tidy'> {
  const { applicationId, store, objects } = parts

  const removeEnded = async (onError: (error: unknown) => void): Promise<number> => {
    let deleted = 0
    for (;;) {
      // A read that has begun may still be going on.
      const over = await store.over(parts.clock() - READ_COUNTS_ONCE_MS, SHARES_AT_ONCE)
      let failed = 0
      for (const share of over) {
        try {
          await objects.delete(objectName(applicationId, share.id))
          await store.forgetObject(share)
          deleted++
        } catch (error) {
          failed++
          onError(error)
        }
      }
      if (over.length < SHARES_AT_ONCE || failed > 0) return deleted
    }
  }

  const removeOrphans = async (): Promise<number> => {
    let deleted = 0
    const before = parts.clock() - ORPHAN_MS
    for await (const { name, at } of objects.list(`shares/${applicationId}/`)) {
      if (at >= before || (await store.shares.get(name.slice(name.lastIndexOf('/') + 1))) !== undefined)
        continue
      await objects.delete(name)
      deleted++
    }
    return deleted
  }

  return {
    revoke: (id, actor) =>
      store.transaction(async (tx) => {
        const share = await tx.end(id)
        if (share === undefined) {
          throw new KeyhavenError('NOT_FOUND', `there is no live share ${id}`)
        }
        const detail = { partner: share.subscriberId, policy: share.policyId }
        tx.partners.audit({ actor, action: 'share.revoke', subject: id, detail })
      }),

    async tidy(onError) {
      const deleted = await removeEnded(onError)
      await store.prune(parts.clock() - READ_COUNTS_ONCE_MS)
      return deleted + (await removeOrphans())
    },
  }
}
